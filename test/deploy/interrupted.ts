/** For the commands that start an installation: what they started is stopped, also when they are interrupted. */
const controller = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => controller.abort());

export const interrupted: AbortSignal = controller.signal;
