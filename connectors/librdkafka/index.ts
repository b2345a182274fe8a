/** librdkafka behind the topic's ports. Importing this loads its native part, which stack/setup.ts makes loadable. */
export { openTopicAdmin } from './admin.ts';
export { openLaneWith } from './lane-writer.ts';
export { openReaderWith } from './reader.ts';
