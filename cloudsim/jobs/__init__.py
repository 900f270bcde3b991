"""What happens after the answer: jobs, their queue, the steps of workflows, recovery, periodic tasks."""
