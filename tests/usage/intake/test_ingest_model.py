from hypothesis import HealthCheck, settings

from tests.usage.ingest_model import Files

TestFiles = Files.TestCase
TestFiles.settings = settings(
    max_examples=90, stateful_step_count=50, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
