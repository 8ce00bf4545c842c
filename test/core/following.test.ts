import type { Live } from 'holdfast/core';
import { describe, expect, it } from 'vitest';
import { Following } from '../../src/core/following.ts';
import { recordWarnings, warningsSettled } from '../support/warnings.ts';

/** A live value that is set by hand, or whose `current` throws. */
function liveOf<T>(value: T): Live<T> & { set: (next: T | Error) => void } {
  let now: T | Error = value;
  return {
    get current() {
      if (now instanceof Error) throw now;
      return now;
    },
    version: 1,
    ready: Promise.resolve(value),
    changes: () => ({ [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new Error('not asked')) }) }),
    close: () => undefined,
    set: (next) => void (now = next),
  };
}

describe('a followed value', () => {
  const warnings = recordWarnings();
  const adoptedBy = (): { adopted: number[]; adopt: (value: number) => void } => {
    const adopted: number[] = [];
    const adopt = (value: number): void => {
      if (value < 0) throw new Error(`negative: ${String(value)}`);
      adopted.push(value);
    };
    return { adopted, adopt };
  };

  it('is adopted when it is another, and only then', () => {
    const { adopted, adopt } = adoptedBy();
    const live = liveOf(1);
    const following = new Following('a number', live, adopt);
    following.look();
    live.set(2);
    following.look();
    following.look();
    expect(adopted).toEqual([1, 2]);
  });

  it('stays when the next is refused, which is reported once', async () => {
    const { adopted, adopt } = adoptedBy();
    const live = liveOf(1);
    const following = new Following('a number', live, adopt);
    live.set(-1);
    following.look();
    following.look();
    live.set(3);
    following.look();
    await warningsSettled();
    expect(adopted).toEqual([1, 3]);
    expect(warnings.map(({ message }) => message)).toEqual([
      'holdfast: a number was refused, the last one stays: negative: -1',
    ]);
  });

  it('stays when the source throws, which is reported once until it gives something again', async () => {
    const { adopted, adopt } = adoptedBy();
    const live = liveOf(1);
    const following = new Following('a number', live, adopt);
    live.set(new Error('gone'));
    following.look();
    following.look();
    live.set(1);
    following.look();
    live.set(new Error('gone again'));
    following.look();
    await warningsSettled();
    expect(adopted).toEqual([1, 1]);
    expect(warnings.map(({ message }) => message)).toEqual([
      'holdfast: a number could not be read, the last one stays: gone',
      'holdfast: a number could not be read, the last one stays: gone again',
    ]);
  });

  it('is refused at the door when it is bad there, and then the one before is still followed', () => {
    const { adopted, adopt } = adoptedBy();
    expect(() => new Following('a number', -1, adopt)).toThrow('negative');
    const live = liveOf(1);
    const following = new Following('a number', live, adopt);
    expect(() => {
      following.follow(-2);
    }).toThrow('negative: -2');
    live.set(5);
    following.look();
    following.follow(6);
    live.set(7);
    following.look();
    expect(adopted).toEqual([1, 5, 6]);
  });

  it('may be looked at by those who are told of a change', () => {
    const adopted: number[] = [];
    const live = liveOf(1);
    const following: Following<number> = new Following<number>('a number', live, (value) => {
      adopted.push(value);
      if (adopted.length > 1) following.look();
    });
    live.set(2);
    following.look();
    following.follow(9);
    expect(adopted).toEqual([1, 2, 9]);
  });
});
