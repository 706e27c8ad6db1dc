from django.db import migrations


class Migration(migrations.Migration):
    """How the codes of finished batches look is part of the catalogue. The progress of a batch is not."""

    dependencies = [("campaigns", "0009_code_batches")]
    operations = [
        migrations.RunSQL(
            "CREATE TRIGGER renumber_catalogue AFTER UPDATE OF state OR DELETE ON campaigns_codebatch "
            "FOR EACH STATEMENT EXECUTE FUNCTION campaigns_renumber_catalogue()",
            "DROP TRIGGER renumber_catalogue ON campaigns_codebatch",
        )
    ]
