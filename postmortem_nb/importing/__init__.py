"""What becomes an incident: a filled document in the template's layout, or a Datadog incident."""
