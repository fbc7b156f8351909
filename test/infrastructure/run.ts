/** `npm run infrastructure`: the tests' Kafka and Redis for trying things by hand, until Ctrl-C. */
import { startInfrastructure } from './start.ts';

const { kafka, redis, stop } = await startInfrastructure();
if (kafka === null || redis === null) {
  await stop();
  process.exit(1);
}
console.log(`\nexport KAFKA_BROKERS=${kafka.address} REDIS_URL=${redis.address}\n\nCtrl-C stops both.`);
const keepAlive = setInterval(() => undefined, 60_000);
let stopping = false;
const end = () => {
  if (stopping) return;
  stopping = true;
  clearInterval(keepAlive);
  void stop();
};
process.once('SIGINT', end);
process.once('SIGTERM', end);
