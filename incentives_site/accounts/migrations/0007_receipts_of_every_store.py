from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0006_a_row_for_each_role")]

    operations = [
        migrations.AddField(
            model_name="user",
            name="may_serve_all_stores",
            field=models.BooleanField(
                default=False,
                help_text="May read and return receipts of every store, although bound to some. Sales stay in the stores above.",
                verbose_name="receipts of every store",
            ),
        ),
    ]
