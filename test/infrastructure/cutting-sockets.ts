/** Sockets to Kafka that a test can cut at a request of its choice: before the broker has it, or before its answer. */
import { connect, type Socket } from 'node:net';
import type { ISocketFactory } from 'kafkajs';

export const API = { produce: 0, addPartitionsToTxn: 24, endTxn: 26 } as const;

export class CuttingSockets {
  #cut: { api: number; when: 'before' | 'after' } | null = null;
  #sockets = new Set<Socket>();
  cuts = 0;
  /** How often anybody has connected. */
  connects = 0;

  /** The next request of this kind takes its connection down. */
  cutNext(api: number, when: 'before' | 'after'): void {
    this.#cut = { api, when };
  }

  /** Takes every connection down, now. */
  cutAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  readonly factory: ISocketFactory = ({ host, port, onConnect }) => {
    const socket = connect({ host, port }, onConnect);
    this.connects++;
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    const write = socket.write.bind(socket) as (data: Uint8Array) => boolean;
    socket.write = (data: unknown) => {
      const bytes = data as Buffer;
      const cut = this.#cut;
      if (cut === null || bytes.readInt16BE(4) !== cut.api) return write(bytes);
      this.#cut = null;
      this.cuts++;
      if (cut.when === 'before') {
        socket.destroy();
        return false;
      }
      // The broker gets the request and acts on it; its answer finds nobody.
      socket.removeAllListeners('data');
      socket.once('data', () => socket.destroy());
      return write(bytes);
    };
    return socket;
  };
}
