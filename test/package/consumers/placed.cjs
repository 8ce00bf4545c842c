const { serve } = require('./answers.cjs');

serve(require('holdfast/hashing'), module.filename);
