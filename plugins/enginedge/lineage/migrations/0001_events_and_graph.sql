-- The log of events comes first and is never changed; every other table is a projection of it.
create table event (
    id bigint generated always as identity primary key,
    kind text not null check (kind in ('run', 'job', 'dataset')),
    event_time timestamptz not null,
    event_type text not null,
    run_id uuid,
    job_namespace text,
    job_name text,
    origin text not null,
    received_at timestamptz not null default clock_timestamp(),
    body jsonb not null,
    forwarding text not null default 'pending' check (forwarding in ('pending', 'done', 'skipped', 'refused')),
    forwarding_note text
);
create index event_by_time on event (event_time desc, id desc);
create index event_by_run on event (run_id, id);
create index event_to_forward on event (id) where forwarding = 'pending';

-- Where each spool file has been read to, in the same transaction as the events that it held.
create table spool_file (
    inode bigint not null,
    born text not null,
    path text not null,
    position bigint not null default 0,
    line bigint not null default 0,
    rejected int not null default 0,
    read_at timestamptz not null default clock_timestamp(),
    primary key (inode, born)
);

create table rejected (
    id bigint generated always as identity primary key,
    origin text not null,
    line bigint not null,
    reason text not null,
    text text not null,
    rejected_at timestamptz not null default clock_timestamp(),
    unique (origin, line)
);

create table namespace (
    name text primary key,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    owner text not null default 'anonymous',
    description text,
    hidden boolean not null default false
);

create table source (
    name text primary key,
    type text not null default '',
    connection_url text not null default '',
    description text,
    created_at timestamptz not null,
    updated_at timestamptz not null
);

create table tag (
    name text primary key,
    description text
);

create table dataset (
    id bigint generated always as identity primary key,
    namespace text not null,
    name text not null,
    type text not null default 'DB_TABLE',
    physical_name text not null,
    source text not null default 'default',
    description text,
    fields jsonb not null default '[]',
    facets jsonb not null default '{}',
    tags text[] not null default '{}',
    field_tags jsonb not null default '{}',
    lifecycle text,
    current_version uuid,
    last_version uuid,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    last_modified_at timestamptz,
    deleted boolean not null default false,
    hidden boolean not null default false,
    unique (namespace, name)
);

create table dataset_alias (
    namespace text not null,
    name text not null,
    dataset bigint not null references dataset on delete cascade,
    primary key (namespace, name)
);
create index alias_by_dataset on dataset_alias (dataset);

create table dataset_version (
    version uuid primary key,
    dataset bigint not null references dataset on delete cascade,
    run_id uuid,
    schema_version uuid not null,
    fields jsonb not null,
    facets jsonb not null,
    lifecycle text,
    created_at timestamptz not null
);
create index version_by_dataset on dataset_version (dataset, created_at desc);

create table job (
    id bigint generated always as identity primary key,
    uuid uuid not null default gen_random_uuid(),
    namespace text not null,
    name text not null,
    simple_name text not null,
    parent bigint references job,
    type text not null default 'BATCH',
    integration text,
    location text,
    description text,
    facets jsonb not null default '{}',
    labels text[] not null default '{}',
    tags text[] not null default '{}',
    current_version uuid,
    latest_run uuid,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    hidden boolean not null default false,
    unique (namespace, name)
);

-- What a job reads and writes now: of its last finished run that named datasets.
create table job_dataset (
    job bigint not null references job on delete cascade,
    dataset bigint not null references dataset on delete cascade,
    direction text not null check (direction in ('in', 'out')),
    in_graph boolean not null,
    primary key (job, dataset, direction)
);
create index job_dataset_by_dataset on job_dataset (dataset, direction);

create table job_version (
    version uuid primary key,
    job bigint not null references job on delete cascade,
    location text,
    inputs jsonb not null,
    outputs jsonb not null,
    latest_run uuid,
    created_at timestamptz not null
);
create index job_version_by_job on job_version (job, created_at desc);

create table run (
    id uuid primary key,
    job bigint not null references job on delete cascade,
    parent uuid,
    state text not null,
    has_spoken boolean not null default true,
    started_at timestamptz,
    ended_at timestamptz,
    nominal_start timestamptz,
    nominal_end timestamptz,
    args jsonb not null default '{}',
    facets jsonb not null default '{}',
    job_facets jsonb not null default '{}',
    job_version uuid,
    created_at timestamptz not null,
    updated_at timestamptz not null
);
create index run_by_job on run (job, started_at desc nulls last, created_at desc);
create index run_open on run (updated_at) where state in ('NEW', 'RUNNING');

create table run_dataset (
    run_id uuid not null references run on delete cascade,
    dataset bigint not null references dataset on delete cascade,
    direction text not null check (direction in ('in', 'out')),
    version uuid,
    facets jsonb not null default '{}',
    primary key (run_id, direction, dataset)
);
create index run_dataset_by_dataset on run_dataset (dataset);

create table column_edge (
    target bigint not null references dataset on delete cascade,
    target_field text not null,
    source bigint not null references dataset on delete cascade,
    source_field text not null,
    job bigint not null references job on delete cascade,
    target_version uuid,
    source_version uuid,
    description text,
    type text,
    updated_at timestamptz not null,
    primary key (target, target_field, source, source_field, job)
);
create index column_edge_by_source on column_edge (source, source_field);

insert into tag (name, description) values
    ('PII', 'Personally identifiable information'),
    ('SENSITIVE', 'Contains sensitive information');
insert into namespace (name, created_at, updated_at, description) values
    ('default', now(), now(), 'The default global namespace for dataset, job, and run metadata not belonging to a '
        'user-specified namespace.');
