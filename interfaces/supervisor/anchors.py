"""Asks the sealer which of its anchors fail, by the figures that anybody may look at."""

from interfaces.supervisor.probes import page

FAILING = "falconpay_anchor_failing"
SIZE = "falconpay_anchor_size"


def failing_anchors(port: int) -> list[str]:
    """Return a sentence for each anchor that did not take the last seal it was given."""
    from prometheus_client.parser import text_string_to_metric_families

    text = page("127.0.0.1", port, "/metrics")
    found = {
        (sample.name, sample.labels["ledger"], sample.labels["anchor"]): int(sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name in {FAILING, SIZE}
    }
    return [
        f"The anchor {anchor} of the ledger {ledger} fails; it has seals up to position"
        f" {found.get((SIZE, ledger, anchor), 0)}, and the log of the sealer tells why."
        for (name, ledger, anchor), value in sorted(found.items())
        if name == FAILING and value
    ]
