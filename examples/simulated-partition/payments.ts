/** A small service of one's own: tills that send payments until they are acknowledged, and a bank that books them. */
import { type Call, timebox } from 'holdfast/calls';
import type { Runtime } from 'holdfast/core';

/** A payment; its id is the till's, and the same however often it is sent. */
export interface Payment {
  readonly id: string;
  readonly cents: number;
}

/** What the bank has on its disk. */
export interface Ledger {
  readonly bookings: Payment[];
}

/** Books payments. One that remembers their ids books each once, however often it comes. */
export class Bank {
  readonly #ledger: Ledger;
  readonly #remembers: boolean;

  constructor(ledger: Ledger, remembers: boolean) {
    this.#ledger = ledger;
    this.#remembers = remembers;
  }

  async book(payment: Payment): Promise<void> {
    const { bookings } = this.#ledger;
    if (this.#remembers && bookings.some(({ id }) => id === payment.id)) return;
    bookings.push(payment);
  }
}

/** Sells, and sends each payment until the bank has acknowledged it: at least once. */
export class Till {
  /** Payments that the bank has acknowledged. */
  readonly acknowledged: Payment[] = [];
  readonly #name: string;
  readonly #book: Call<Payment, void>;
  readonly #runtime: Runtime;

  constructor(name: string, bank: Pick<Bank, 'book'>, runtime: Runtime) {
    this.#name = name;
    this.#runtime = runtime;
    this.#book = timebox((payment: Payment) => bank.book(payment), 500, { runtime });
  }

  async sell(sales: number): Promise<void> {
    for (let n = 1; n <= sales; n++) {
      await this.#runtime.clock.sleep(1_000);
      const payment = { id: `${this.#name}-${String(n)}`, cents: 1 + Math.floor(this.#runtime.random() * 10_000) };
      while (!(await this.#isBooked(payment))) await this.#runtime.clock.sleep(1_000 * this.#runtime.random());
      this.acknowledged.push(payment);
    }
  }

  /** False when nobody knows: the payment was lost, or only the answer. */
  async #isBooked(payment: Payment): Promise<boolean> {
    try {
      await this.#book(payment);
      return true;
    } catch {
      return false;
    }
  }
}
