import datetime
import django.db.models.deletion
import scheduling.keys
import scheduling.models.append_only
import scheduling.models.duration_index
import scheduling.models.text_index
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Actor',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('digest', models.CharField(help_text='SHA-256 of the other fields.', max_length=64, unique=True)),
                ('kind', models.CharField(help_text='user, token, command, beat, crontab, upkeep.', max_length=10)),
                ('user', models.CharField(blank=True, db_index=True, default='', help_text='The name of the user.', max_length=254)),
                ('user_key', models.CharField(blank=True, default='', help_text='The primary key of the user.', max_length=64)),
                ('token', models.CharField(blank=True, default='', help_text="The token's prefix and name.", max_length=130)),
                ('address', models.CharField(blank=True, default='', help_text='The address of the client.', max_length=64)),
            ],
        ),
        migrations.CreateModel(
            name='Host',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=253, unique=True)),
                ('crontab', models.CharField(help_text="The crontab that holds Tandem's lines.", max_length=500)),
                ('zone', models.CharField(help_text='The time zone of its cron daemon.', max_length=64)),
                ('tzdata', models.CharField(default='', help_text="The release of its system's time zone data.", max_length=50)),
                ('zone_differs', models.TextField(blank=True, default='', help_text='From when its system has other rules for this zone than Tandem; or empty.')),
                ('heartbeat_at', models.DateTimeField()),
                ('drift', models.JSONField(default=list, help_text='What differed from the schedules at the last look.')),
                ('error', models.TextField(blank=True, default='', help_text='Why its crontab could not be updated.')),
            ],
        ),
        migrations.CreateModel(
            name='Process',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(help_text='What no other process has, on any machine.', max_length=100, unique=True)),
                ('kind', models.CharField(help_text='web, worker, pool, beat, agent, inline.', max_length=20)),
                ('host', models.CharField(max_length=253)),
                ('pid', models.PositiveIntegerField()),
                ('queues', models.JSONField(default=list, help_text='The queues that a worker takes messages from.')),
                ('tzdata', models.CharField(default='', help_text='The release of its time zone data.', max_length=50)),
                ('pulse', models.PositiveBigIntegerField(default=0)),
                ('skew', models.DurationField(default=datetime.timedelta(0), help_text="How far its clock is ahead of the database's.")),
                ('started_at', models.DateTimeField()),
                ('seen_at', models.DateTimeField(help_text='When it last moved its pulse.')),
                ('came_round_at', models.DateTimeField(blank=True, help_text='When its loop last came round, as its last pulse says; empty without a loop.', null=True)),
                ('claimed_at', models.DateTimeField(blank=True, help_text='When it last began an attempt, roughly.', null=True)),
            ],
        ),
        migrations.CreateModel(
            name='StatisticsPosition',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('high', models.BigIntegerField()),
                ('gaps', models.JSONField(default=dict)),
            ],
        ),
        migrations.CreateModel(
            name='TagSet',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('names', models.CharField(help_text='The tags, with a blank between two of them.', max_length=600, unique=True)),
                ('unused_since', models.DateTimeField(help_text='When retention first found nothing that has it.', null=True)),
            ],
        ),
        migrations.CreateModel(
            name='TaskLimit',
            fields=[
                ('target', models.CharField(help_text='Such as job:reports.daily.', max_length=110, primary_key=True, serialize=False)),
                ('concurrency', models.PositiveIntegerField(blank=True, null=True)),
                ('rate', models.CharField(blank=True, default='', max_length=20)),
                ('burst', models.PositiveIntegerField(blank=True, null=True)),
                ('all_free_at', models.DateTimeField(blank=True, help_text='When as many tasks may start at once as the rate allows after a pause.', null=True)),
            ],
        ),
        migrations.CreateModel(
            name='DriftRecord',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveBigIntegerField(unique=True)),
                ('backend', models.CharField(max_length=50)),
                ('host', models.CharField(blank=True, default='', help_text='Whose entries; empty for Beat.', max_length=253)),
                ('kind', models.CharField(max_length=20)),
                ('wanted', models.TextField(blank=True, default='', help_text='What should be there; empty for nothing.')),
                ('found', models.TextField(blank=True, default='', help_text='What is there; empty for nothing.')),
                ('noticed_by', models.CharField(help_text='Which process on which machine.', max_length=300)),
                ('noticed_at', models.DateTimeField()),
                ('seen_at', models.DateTimeField(help_text='When it was seen last.')),
                ('mended_at', models.DateTimeField(blank=True, help_text='When it was no longer there; empty while it is.', null=True)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('mended_at__isnull', True)), fields=['backend', 'host'], name='tandem_drift_open'), models.Index(fields=['host', '-id'], name='tandem_drift_of_host'), models.Index(condition=models.Q(('mended_at__isnull', False)), fields=['mended_at'], name='tandem_drift_mended')],
            },
        ),
        migrations.CreateModel(
            name='DriftSchedule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('schedule_id', models.PositiveBigIntegerField(db_index=True)),
                ('record', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='concerned', to='tandem_scheduling.driftrecord')),
            ],
        ),
        migrations.CreateModel(
            name='LatenessBucket',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('hour', models.DateTimeField(help_text='The hour in which they were handed over, or started.')),
                ('backend', models.CharField(help_text='What woke us: beat, crontab, or upkeep in their place.', max_length=50)),
                ('bucket', models.PositiveSmallIntegerField()),
                ('count', models.PositiveBigIntegerField()),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('hour', 'backend', 'bucket'), name='tandem_one_row_per_lateness_bucket')],
            },
        ),
        migrations.CreateModel(
            name='Schedule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('priority', models.PositiveSmallIntegerField(default=5, help_text='0 to 9, 9 first.')),
                ('queue', models.CharField(blank=True, default='', help_text='Only its workers take the task.', max_length=64)),
                ('limit_key', models.CharField(blank=True, default='', help_text='What limits of a key go by.', max_length=64)),
                ('retries', models.JSONField(blank=True, default=dict, help_text='Some of max, base, factor, cap, jitter.')),
                ('soft_timeout', models.PositiveIntegerField(blank=True, help_text='Seconds until the job is interrupted.', null=True)),
                ('timeout', models.PositiveIntegerField(blank=True, help_text='Seconds until its process is killed.', null=True)),
                ('on_lost', models.CharField(choices=[('retry', 'Retry'), ('fail', 'Fail')], default='fail', max_length=5)),
                ('owner', models.BigIntegerField(blank=True, help_text='The number of the group that it belongs to.', null=True)),
                ('key', models.CharField(default=scheduling.keys.unnamed, help_text='For programs.', max_length=100)),
                ('name', models.CharField(max_length=200)),
                ('description', models.TextField(blank=True, default='')),
                ('job', models.CharField(max_length=100)),
                ('parameters', models.JSONField(blank=True, default=dict)),
                ('cron', models.CharField(blank=True, default='', help_text='Five fields; empty for an interval.', max_length=10000)),
                ('every', models.PositiveIntegerField(blank=True, help_text='Seconds; empty for a cron expression.', null=True)),
                ('anchor', models.DateTimeField(help_text='Where an interval counts from.')),
                ('timezone', models.CharField(default='UTC', max_length=64)),
                ('starts_at', models.DateTimeField(blank=True, null=True)),
                ('ends_at', models.DateTimeField(blank=True, null=True)),
                ('backend', models.CharField(help_text="As requested: a backend's name or auto.", max_length=50)),
                ('routed_to', models.CharField(help_text='The backend that was chosen.', max_length=50)),
                ('routing_reason', models.CharField(blank=True, default='', max_length=500)),
                ('executor', models.CharField(help_text="As requested: an executor's name or auto.", max_length=50)),
                ('runs_on', models.CharField(help_text='The executor that was chosen.', max_length=50)),
                ('host', models.CharField(blank=True, default='', help_text='The machine whose crontab is used.', max_length=253)),
                ('overlap', models.CharField(choices=[('skip', 'Skip'), ('queue', 'Queue'), ('replace', 'Replace'), ('allow', 'Allow')], default='skip', max_length=10)),
                ('catch_up', models.CharField(choices=[('none', 'None'), ('latest', 'Latest'), ('all', 'All')], default='none', max_length=10)),
                ('catch_up_window', models.DurationField(default=datetime.timedelta(days=1))),
                ('grace', models.DurationField(default=datetime.timedelta(seconds=300))),
                ('database_away', models.CharField(choices=[('wait', 'Wait'), ('run', 'Run')], default='wait', help_text='What its host does with an occurrence that is due while the database is away.', max_length=4)),
                ('on_host_lost', models.CharField(choices=[('wait', 'Wait'), ('worker', 'Worker'), ('any_host', 'Any Host')], default='wait', max_length=10)),
                ('paused', models.BooleanField(default=False)),
                ('cursor', models.DateTimeField(help_text='Occurrences up to this time are decided.')),
                ('next_due_at', models.DateTimeField(blank=True, help_text='Empty while paused, and after the end.', null=True)),
                ('tzdata', models.CharField(blank=True, default='', help_text='The release of the time zone data that next_due_at was worked out with; empty for an interval.', max_length=50)),
                ('woken_at', models.DateTimeField(blank=True, help_text='When a wake-up of its host last decided something; empty without a host.', null=True)),
                ('overdue_at', models.DateTimeField(blank=True, help_text='When upkeep last decided what no wake-up had decided in time.', null=True)),
                ('sync_state', models.CharField(choices=[('in_sync', 'In Sync'), ('pending', 'Pending'), ('out_of_sync', 'Out Of Sync')], default='pending', max_length=15)),
                ('sync_error', models.TextField(blank=True, default='')),
                ('version', models.PositiveIntegerField(default=1)),
                ('created_at', models.DateTimeField()),
                ('updated_at', models.DateTimeField()),
                ('changed_by', models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='tandem_scheduling.actor')),
                ('created_by', models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='tandem_scheduling.actor')),
                ('tag_set', models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='tandem_scheduling.tagset')),
            ],
        ),
        migrations.CreateModel(
            name='ReplannedSchedule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('due_before', models.DateTimeField(help_text='When it was due next; empty for never.', null=True)),
                ('due_after', models.DateTimeField(null=True)),
                ('tzdata_before', models.CharField(help_text='Empty for a release that was taken back.', max_length=50)),
                ('tzdata_after', models.CharField(max_length=50)),
                ('at', models.DateTimeField()),
                ('schedule', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='replanned', to='tandem_scheduling.schedule')),
            ],
        ),
        migrations.CreateModel(
            name='Statistic',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('hour', models.DateTimeField(help_text='The hour in which the tasks ended.')),
                ('by', models.CharField(help_text='job, queue or schedule.', max_length=10)),
                ('name', models.CharField(help_text='Of the job or queue; of a schedule its id.', max_length=100)),
                ('outcomes', models.JSONField(default=dict, help_text='How many ended so, by status.')),
                ('durations', models.JSONField(default=list, help_text='How many took so long, by bucket.')),
                ('lateness', models.JSONField(default=list, help_text='How many occurrences began so late, by bucket.')),
            ],
            options={
                'indexes': [models.Index(fields=['by', 'hour'], name='tandem_statistic_of_hour')],
                'constraints': [models.UniqueConstraint(fields=('by', 'name', 'hour'), name='tandem_one_row_per_statistic')],
            },
        ),
        migrations.CreateModel(
            name='StoredSecret',
            fields=[
                ('name', models.CharField(max_length=64, primary_key=True, serialize=False)),
                ('sealed', models.TextField()),
                ('changed_at', models.DateTimeField()),
                ('changed_by', models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='tandem_scheduling.actor')),
            ],
        ),
        migrations.CreateModel(
            name='Task',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('priority', models.PositiveSmallIntegerField(default=5, help_text='0 to 9, 9 first.')),
                ('queue', models.CharField(blank=True, default='', help_text='Only its workers take the task.', max_length=64)),
                ('limit_key', models.CharField(blank=True, default='', help_text='What limits of a key go by.', max_length=64)),
                ('retries', models.JSONField(blank=True, default=dict, help_text='Some of max, base, factor, cap, jitter.')),
                ('soft_timeout', models.PositiveIntegerField(blank=True, help_text='Seconds until the job is interrupted.', null=True)),
                ('timeout', models.PositiveIntegerField(blank=True, help_text='Seconds until its process is killed.', null=True)),
                ('on_lost', models.CharField(choices=[('retry', 'Retry'), ('fail', 'Fail')], default='fail', max_length=5)),
                ('owner', models.BigIntegerField(blank=True, help_text='The number of the group that it belongs to.', null=True)),
                ('name', models.CharField(max_length=200)),
                ('description', models.TextField(blank=True, default='')),
                ('job', models.CharField(max_length=100)),
                ('parameters', models.JSONField(blank=True, default=dict)),
                ('due_at', models.DateTimeField(blank=True, help_text='The occurrence, or the time that was asked for.', null=True)),
                ('woken_by', models.CharField(help_text='What created it: beat, crontab, upkeep, request, workflow.', max_length=50)),
                ('status', models.CharField(choices=[('SCHEDULED', 'SCHEDULED'), ('QUEUED', 'QUEUED'), ('RUNNING', 'RUNNING'), ('RETRYING', 'RETRYING'), ('COMPLETED', 'COMPLETED'), ('FAILED', 'FAILED'), ('CANCELLED', 'CANCELLED'), ('SKIPPED', 'SKIPPED'), ('MISSED', 'MISSED')], max_length=10)),
                ('reason', models.TextField(blank=True, default='', help_text='Why it waits, or was skipped, missed or cancelled.')),
                ('executor', models.CharField(max_length=50)),
                ('host', models.CharField(blank=True, default='', help_text='The machine it must run on, if any.', max_length=253)),
                ('attempt', models.PositiveSmallIntegerField(default=1, help_text='The number of the present attempt, or the next.')),
                ('wait_until', models.DateTimeField(blank=True, help_text='When a waiting task is queued, or looked at.', null=True)),
                ('expires', models.DateTimeField(blank=True, help_text='When a task that has not started is cancelled.', null=True)),
                ('cancel_asked_at', models.DateTimeField(blank=True, help_text='When a running task was asked to stop.', null=True)),
                ('send_at', models.DateTimeField(blank=True, help_text='When to hand it to its executor (again).', null=True)),
                ('sends', models.PositiveSmallIntegerField(default=0)),
                ('waits_for_limit', models.CharField(blank=True, help_text='The limit that keeps a queued task from starting.', max_length=110, null=True)),
                ('place_until', models.DateTimeField(blank=True, help_text='Until when a place under that limit is kept for it; empty while it has none.', null=True)),
                ('process', models.CharField(blank=True, default='', help_text='Which process runs it, by its key.', max_length=100)),
                ('progress', models.JSONField(blank=True, null=True)),
                ('result', models.JSONField(blank=True, null=True)),
                ('error', models.TextField(blank=True, default='')),
                ('events', models.PositiveIntegerField(default=0, help_text='The number of events, which is also the last number.')),
                ('created_at', models.DateTimeField()),
                ('started_at', models.DateTimeField(blank=True, null=True)),
                ('finished_at', models.DateTimeField(blank=True, null=True)),
                ('created_by', models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='tandem_scheduling.actor')),
                ('schedule', models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='tasks', to='tandem_scheduling.schedule')),
                ('tag_set', models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='tandem_scheduling.tagset')),
            ],
        ),
        migrations.CreateModel(
            name='TaskAttempt',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveSmallIntegerField()),
                ('status', models.CharField(choices=[('SCHEDULED', 'SCHEDULED'), ('QUEUED', 'QUEUED'), ('RUNNING', 'RUNNING'), ('RETRYING', 'RETRYING'), ('COMPLETED', 'COMPLETED'), ('FAILED', 'FAILED'), ('CANCELLED', 'CANCELLED'), ('SKIPPED', 'SKIPPED'), ('MISSED', 'MISSED')], max_length=10)),
                ('executor', models.CharField(max_length=50)),
                ('worker', models.CharField(help_text='Which process on which machine.', max_length=300)),
                ('started_at', models.DateTimeField()),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('error', models.TextField(blank=True, default='')),
                ('traceback', models.TextField(blank=True, default='')),
                ('task', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='attempts', to='tandem_scheduling.task')),
            ],
        ),
        migrations.CreateModel(
            name='TaskEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField()),
                ('number', models.PositiveIntegerField()),
                ('status', models.CharField(choices=[('SCHEDULED', 'SCHEDULED'), ('QUEUED', 'QUEUED'), ('RUNNING', 'RUNNING'), ('RETRYING', 'RETRYING'), ('COMPLETED', 'COMPLETED'), ('FAILED', 'FAILED'), ('CANCELLED', 'CANCELLED'), ('SKIPPED', 'SKIPPED'), ('MISSED', 'MISSED')], max_length=10)),
                ('detail', models.JSONField(blank=True, default=dict)),
                ('actor', models.ForeignKey(blank=True, db_constraint=False, db_index=False, help_text='Who did it; null for what woke the task (its first event), and for the process that runs it.', null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='tandem_scheduling.actor')),
                ('task', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='event_log', to='tandem_scheduling.task')),
            ],
        ),
        migrations.CreateModel(
            name='TaskLogLine',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('attempt', models.PositiveSmallIntegerField()),
                ('at', models.DateTimeField()),
                ('level', models.CharField(max_length=10)),
                ('message', models.TextField()),
                ('task', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='lines', to='tandem_scheduling.task')),
            ],
        ),
        migrations.CreateModel(
            name='Workflow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('owner', models.BigIntegerField(blank=True, help_text='The number of the group that it belongs to.', null=True)),
                ('name', models.CharField(max_length=200)),
                ('description', models.TextField(blank=True, default='')),
                ('definition', models.JSONField(help_text='As requested.')),
                ('status', models.CharField(choices=[('SCHEDULED', 'SCHEDULED'), ('QUEUED', 'QUEUED'), ('RUNNING', 'RUNNING'), ('RETRYING', 'RETRYING'), ('COMPLETED', 'COMPLETED'), ('FAILED', 'FAILED'), ('CANCELLED', 'CANCELLED'), ('SKIPPED', 'SKIPPED'), ('MISSED', 'MISSED')], default='RUNNING', max_length=10)),
                ('reason', models.TextField(blank=True, default='', help_text='Why it failed or was cancelled.')),
                ('cancel_asked_at', models.DateTimeField(blank=True, null=True)),
                ('created_at', models.DateTimeField()),
                ('finished_at', models.DateTimeField(blank=True, null=True)),
                ('created_by', models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='tandem_scheduling.actor')),
                ('schedule', models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='workflows', to='tandem_scheduling.schedule')),
                ('started_by', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='started_workflow', to='tandem_scheduling.task')),
                ('tag_set', models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='tandem_scheduling.tagset')),
            ],
        ),
        migrations.AddField(
            model_name='task',
            name='workflow',
            field=models.ForeignKey(blank=True, db_index=False, help_text='The workflow that the task is a member of.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='tasks', to='tandem_scheduling.workflow'),
        ),
        migrations.CreateModel(
            name='WorkflowNode',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField()),
                ('last', models.PositiveIntegerField()),
                ('parent', models.PositiveIntegerField(blank=True, help_text='The number of the parent node.', null=True)),
                ('role', models.CharField(choices=[('root', 'Root'), ('member', 'Member'), ('callback', 'Callback'), ('on_success', 'On Success'), ('on_failure', 'On Failure')], max_length=10)),
                ('kind', models.CharField(choices=[('task', 'Task'), ('chain', 'Chain'), ('group', 'Group'), ('chord', 'Chord')], max_length=5)),
                ('name', models.CharField(blank=True, default='', max_length=200)),
                ('status', models.CharField(choices=[('SCHEDULED', 'SCHEDULED'), ('QUEUED', 'QUEUED'), ('RUNNING', 'RUNNING'), ('RETRYING', 'RETRYING'), ('COMPLETED', 'COMPLETED'), ('FAILED', 'FAILED'), ('CANCELLED', 'CANCELLED'), ('SKIPPED', 'SKIPPED'), ('MISSED', 'MISSED')], max_length=10)),
                ('task', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='workflow_node', to='tandem_scheduling.task')),
                ('workflow', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='nodes', to='tandem_scheduling.workflow')),
            ],
        ),
        migrations.CreateModel(
            name='AuditEntry',
            fields=[
                ('number', models.BigIntegerField(primary_key=True, serialize=False)),
                ('at', models.DateTimeField()),
                ('subject', models.CharField(help_text='What was changed: schedule, task, workflow, token, ...', max_length=20)),
                ('subject_id', models.CharField(help_text='Its id, or its name.', max_length=64)),
                ('name', models.CharField(blank=True, default='', help_text='Its name at that time.', max_length=200)),
                ('owner', models.BigIntegerField(help_text='The number of the group that it belonged to.', null=True)),
                ('action', models.CharField(max_length=20)),
                ('changes', models.JSONField(default=dict, help_text='Field by field, what was before and after; secrets are masked.')),
                ('actor', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tandem_scheduling.actor')),
            ],
            options={
                'verbose_name_plural': 'audit entries',
                'indexes': [models.Index(fields=['actor', 'number'], name='tandem_audit_by_actor'), models.Index(fields=['subject', 'subject_id', 'number'], name='tandem_audit_by_subject'), models.Index(fields=['action', 'number'], name='tandem_audit_by_action'), models.Index(condition=models.Q(('owner__isnull', False)), fields=['owner', 'number'], name='tandem_audit_owned'), models.Index(fields=['at', 'number'], name='tandem_audit_at'), scheduling.models.append_only.AppendOnly(fields=['number'], name='tandem_audit_only_added')],
            },
        ),
        migrations.CreateModel(
            name='TagInSet',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('tag', models.CharField(max_length=50)),
                ('tag_set', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='members', to='tandem_scheduling.tagset')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('tag', 'tag_set'), name='tandem_one_row_per_tag_in_set')],
            },
        ),
        migrations.AddIndex(
            model_name='schedule',
            index=models.Index(condition=models.Q(('owner__isnull', False)), fields=['owner', 'id'], name='tandem_schedule_owned'),
        ),
        migrations.AddIndex(
            model_name='schedule',
            index=models.Index(condition=models.Q(('tag_set__isnull', False)), fields=['tag_set', 'id'], name='tandem_schedule_tagged'),
        ),
        migrations.AddIndex(
            model_name='schedule',
            index=models.Index(condition=models.Q(('next_due_at__isnull', False)), fields=['routed_to', 'next_due_at'], name='tandem_schedule_due'),
        ),
        migrations.AddIndex(
            model_name='schedule',
            index=models.Index(fields=['host', 'routed_to'], name='tandem_schedule_of_host'),
        ),
        migrations.AddIndex(
            model_name='schedule',
            index=models.Index(condition=models.Q(('host__gt', ''), ('woken_at__isnull', False)), fields=['host', '-woken_at'], name='tandem_schedule_woken'),
        ),
        migrations.AddIndex(
            model_name='schedule',
            index=models.Index(condition=models.Q(('host__gt', ''), ('overdue_at__isnull', False)), fields=['host', '-overdue_at'], name='tandem_schedule_stood_in'),
        ),
        migrations.AddIndex(
            model_name='schedule',
            index=models.Index(condition=models.Q(('next_due_at__isnull', False)), fields=['next_due_at', 'id'], name='tandem_schedule_by_next'),
        ),
        migrations.AddIndex(
            model_name='schedule',
            index=models.Index(fields=['name', 'id'], name='tandem_schedule_by_name'),
        ),
        migrations.AddIndex(
            model_name='schedule',
            index=models.Index(condition=models.Q(('queue__gt', '')), fields=['queue', 'id'], name='tandem_schedule_in_queue'),
        ),
        migrations.AddIndex(
            model_name='schedule',
            index=models.Index(condition=models.Q(('paused', True)), fields=['id'], name='tandem_schedule_paused'),
        ),
        migrations.AddIndex(
            model_name='schedule',
            index=models.Index(condition=models.Q(('sync_state', 'in_sync'), _negated=True), fields=['sync_state', 'id'], name='tandem_schedule_unsynced'),
        ),
        migrations.AddIndex(
            model_name='schedule',
            index=models.Index(fields=['job', 'id'], name='tandem_schedule_by_job'),
        ),
        migrations.AddIndex(
            model_name='schedule',
            index=models.Index(fields=['runs_on', 'id'], name='tandem_schedule_by_executor'),
        ),
        migrations.AddIndex(
            model_name='schedule',
            index=scheduling.models.text_index.TextIndex(fields=['name'], name='tandem_schedule_named'),
        ),
        migrations.AddIndex(
            model_name='schedule',
            index=models.Index(condition=models.Q(('every__isnull', True)), fields=['tzdata'], name='tandem_schedule_tzdata'),
        ),
        migrations.AddConstraint(
            model_name='schedule',
            constraint=models.UniqueConstraint(condition=models.Q(('owner__isnull', False)), fields=('owner', 'key'), name='tandem_one_schedule_per_key'),
        ),
        migrations.AddConstraint(
            model_name='schedule',
            constraint=models.UniqueConstraint(condition=models.Q(('owner__isnull', True)), fields=('key',), name='tandem_one_unowned_per_key'),
        ),
        migrations.AddConstraint(
            model_name='schedule',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('cron', ''), ('every__gte', 1)), models.Q(models.Q(('cron', ''), _negated=True), ('every__isnull', True)), _connector='OR'), name='tandem_schedule_has_one_trigger'),
        ),
        migrations.AddConstraint(
            model_name='schedule',
            constraint=models.CheckConstraint(condition=models.Q(('starts_at__isnull', True), ('ends_at__isnull', True), ('ends_at__gt', models.F('starts_at')), _connector='OR'), name='tandem_schedule_ends_after_it_starts'),
        ),
        migrations.AddIndex(
            model_name='taskattempt',
            index=models.Index(fields=['worker', 'task'], name='tandem_attempt_by_worker'),
        ),
        migrations.AddConstraint(
            model_name='taskattempt',
            constraint=models.UniqueConstraint(fields=('task', 'number'), name='tandem_one_row_per_attempt'),
        ),
        migrations.AddConstraint(
            model_name='taskevent',
            constraint=models.UniqueConstraint(fields=('task', 'number'), name='tandem_one_event_per_number'),
        ),
        migrations.AddIndex(
            model_name='workflow',
            index=models.Index(condition=models.Q(('owner__isnull', False)), fields=['owner', 'id'], name='tandem_workflow_owned'),
        ),
        migrations.AddIndex(
            model_name='workflow',
            index=models.Index(condition=models.Q(('tag_set__isnull', False)), fields=['tag_set', 'id'], name='tandem_workflow_tagged'),
        ),
        migrations.AddIndex(
            model_name='workflow',
            index=models.Index(fields=['status', 'id'], name='tandem_workflow_by_status'),
        ),
        migrations.AddIndex(
            model_name='workflow',
            index=models.Index(condition=models.Q(('schedule__isnull', False)), fields=['schedule', 'id'], name='tandem_workflow_of_schedule'),
        ),
        migrations.AddIndex(
            model_name='workflow',
            index=models.Index(fields=['created_at', 'id'], name='tandem_workflow_created'),
        ),
        migrations.AddIndex(
            model_name='workflow',
            index=scheduling.models.text_index.TextIndex(fields=['name'], name='tandem_workflow_named'),
        ),
        migrations.AddIndex(
            model_name='workflow',
            index=models.Index(condition=models.Q(('status', 'RUNNING')), fields=['schedule'], name='tandem_workflow_open'),
        ),
        migrations.AddIndex(
            model_name='task',
            index=models.Index(condition=models.Q(('owner__isnull', False)), fields=['owner', 'id'], name='tandem_task_owned'),
        ),
        migrations.AddIndex(
            model_name='task',
            index=models.Index(condition=models.Q(('tag_set__isnull', False)), fields=['tag_set', 'id'], name='tandem_task_tagged'),
        ),
        migrations.AddIndex(
            model_name='task',
            index=models.Index(fields=['schedule', 'id'], name='tandem_task_of_schedule'),
        ),
        migrations.AddIndex(
            model_name='task',
            index=models.Index(fields=['status', 'id'], name='tandem_task_by_status'),
        ),
        migrations.AddIndex(
            model_name='task',
            index=models.Index(fields=['job', 'id'], name='tandem_task_by_job'),
        ),
        migrations.AddIndex(
            model_name='task',
            index=models.Index(fields=['executor', 'id'], name='tandem_task_by_executor'),
        ),
        migrations.AddIndex(
            model_name='task',
            index=models.Index(fields=['woken_by', 'id'], name='tandem_task_by_waker'),
        ),
        migrations.AddIndex(
            model_name='task',
            index=models.Index(fields=['created_at', 'id'], name='tandem_task_created'),
        ),
        migrations.AddIndex(
            model_name='task',
            index=models.Index(condition=models.Q(('queue__gt', '')), fields=['queue', 'id'], name='tandem_task_in_queue'),
        ),
        migrations.AddIndex(
            model_name='task',
            index=models.Index(condition=models.Q(('priority', 5), _negated=True), fields=['priority', 'id'], name='tandem_task_by_priority'),
        ),
        migrations.AddIndex(
            model_name='task',
            index=scheduling.models.duration_index.DurationIndex(fields=['started_at', 'finished_at'], name='tandem_task_by_duration'),
        ),
        migrations.AddIndex(
            model_name='task',
            index=models.Index(condition=models.Q(('due_at__isnull', False)), fields=['due_at', 'id'], name='tandem_task_due'),
        ),
        migrations.AddIndex(
            model_name='task',
            index=scheduling.models.text_index.TextIndex(condition=models.Q(('finished_at__isnull', False)), fields=['name'], name='tandem_task_named'),
        ),
        migrations.AddIndex(
            model_name='task',
            index=models.Index(condition=models.Q(('workflow__isnull', False)), fields=['workflow', 'id'], name='tandem_task_of_workflow'),
        ),
        migrations.AddIndex(
            model_name='task',
            index=models.Index(condition=models.Q(('status__in', ['QUEUED', 'RETRYING', 'RUNNING', 'SCHEDULED'])), fields=['schedule'], name='tandem_task_open'),
        ),
        migrations.AddIndex(
            model_name='task',
            index=models.Index(condition=models.Q(('status', 'QUEUED')), fields=['executor', 'send_at'], name='tandem_task_to_send'),
        ),
        migrations.AddIndex(
            model_name='task',
            index=models.Index(condition=models.Q(('wait_until__isnull', False)), fields=['wait_until'], name='tandem_task_waiting'),
        ),
        migrations.AddIndex(
            model_name='task',
            index=models.Index(condition=models.Q(('expires__isnull', False)), fields=['expires'], name='tandem_task_expires'),
        ),
        migrations.AddIndex(
            model_name='task',
            index=models.Index(condition=models.Q(('finished_at__isnull', False)), fields=['finished_at', 'id'], name='tandem_task_finished'),
        ),
        migrations.AddIndex(
            model_name='task',
            index=models.Index(condition=models.Q(('waits_for_limit__isnull', False)), fields=['waits_for_limit', '-priority', 'id'], name='tandem_task_over_limit'),
        ),
        migrations.AddIndex(
            model_name='task',
            index=models.Index(condition=models.Q(('status', 'RUNNING')), fields=['process'], name='tandem_task_running'),
        ),
        migrations.AddConstraint(
            model_name='task',
            constraint=models.UniqueConstraint(fields=('schedule', 'due_at'), name='tandem_one_task_per_occurrence'),
        ),
        migrations.AddIndex(
            model_name='workflownode',
            index=models.Index(fields=['workflow', 'status', 'parent'], name='tandem_workflow_node_standing'),
        ),
        migrations.AddIndex(
            model_name='workflownode',
            index=models.Index(condition=models.Q(('status', 'RUNNING')), fields=['task'], name='tandem_workflow_node_running'),
        ),
        migrations.AddConstraint(
            model_name='workflownode',
            constraint=models.UniqueConstraint(fields=('workflow', 'number'), name='tandem_one_node_per_number'),
        ),
    ]
