# A Headrace worker; the same image answers to every other command: docker compose run --rm worker status

FROM node:20.20-bookworm AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev
# librdkafka, for kafka.client: librdkafka: the prebuilt one where it can be fetched, else built here, where compilers are.
COPY tsconfig.json ./
COPY stack ./stack
RUN node --import tsx stack/main.ts setup
COPY . .
# What every start would build else: nothing can be written where it runs.
RUN node cli/headrace.mjs --version \
  && node --import tsx --eval "import('./workers/workflow-bundle.ts').then(({ workflowBundle }) => workflowBundle())"

FROM node:20.20-bookworm-slim
# Certificates for TLS to Kafka, S3, PostgreSQL and Temporal; the libraries that a native part built from source links.
RUN apt-get update \
  && apt-get install -y --no-install-recommends ca-certificates libcurl4 libsasl2-2 libsasl2-modules libssl3 libzstd1 zlib1g \
  && rm -rf /var/lib/apt/lists/*
ENV NODE_ENV=production UV_THREADPOOL_SIZE=16
WORKDIR /app
COPY --from=build /app ./
USER node
ENTRYPOINT ["node", "/app/cli/headrace.mjs"]
CMD ["worker"]
