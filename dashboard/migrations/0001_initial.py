from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Acknowledgement',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('subject', models.CharField(max_length=150, unique=True)),
                ('task', models.PositiveBigIntegerField(help_text='The id of the newest task that was seen.')),
                ('by', models.CharField(max_length=254)),
                ('at', models.DateTimeField(db_index=True)),
            ],
        ),
    ]
