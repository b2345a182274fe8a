/**
 * The rights that docs/operations.md lists a worker, as ACLs. Kafka lets whoever may read or write a thing describe it too
 * (AclOperation), so Describe is not listed beside those.
 */
import kafkajs, { type AclOperationTypes, type AclResourceTypes } from 'kafkajs';

const { AclOperationTypes: MAY, AclPermissionTypes, AclResourceTypes: OF, ResourcePatternTypes } = kafkajs;

export interface Right {
  name: string;
  operation: AclOperationTypes;
  of: AclResourceTypes;
}

const right = (name: string, operation: AclOperationTypes, of: AclResourceTypes): Right => ({ name, operation, of });

export const RIGHTS = {
  orchestrate: [right('topic: Describe', MAY.DESCRIBE, OF.TOPIC)],
  read: [
    right('topic: Create', MAY.CREATE, OF.TOPIC),
    right('topic: DescribeConfigs', MAY.DESCRIBE_CONFIGS, OF.TOPIC),
    right('topic: Read', MAY.READ, OF.TOPIC),
    right('topic: Write', MAY.WRITE, OF.TOPIC),
    right('transactional id: Write', MAY.WRITE, OF.TRANSACTIONAL_ID),
    right('group: Read', MAY.READ, OF.GROUP),
  ],
  land: [right('topic: Read', MAY.READ, OF.TOPIC), right('group: Read', MAY.READ, OF.GROUP)],
} as const satisfies Record<string, readonly Right[]>;

/** @param topics prefix of the topics' names; transactional ids and groups are those below `headrace/` */
export async function grant(
  broker: string,
  topics: string,
  rights: Readonly<Record<string, readonly Right[]>>,
): Promise<void> {
  const admin = new kafkajs.Kafka({ brokers: [broker], logLevel: kafkajs.logLevel.NOTHING }).admin();
  await admin.connect();
  const acl = Object.entries(rights).flatMap(([user, granted]) =>
    granted.map(({ operation, of }) => ({
      principal: `User:${user}`,
      host: '*',
      operation,
      permissionType: AclPermissionTypes.ALLOW,
      resourceType: of,
      resourceName: of === OF.TOPIC ? topics : 'headrace/',
      resourcePatternType: ResourcePatternTypes.PREFIXED,
    })),
  );
  await admin.createAcls({ acl });
  await admin.disconnect();
}
