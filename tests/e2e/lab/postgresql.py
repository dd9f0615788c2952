"""PostgreSql: a private server of a test's own, with the disk's promises kept, which can crash and come back."""
import pathlib
import subprocess

SCRIPT = pathlib.Path(__file__).parents[2] / "support/postgresql.sh"


class PostgreSql:
    def __init__(self):
        self.shell = subprocess.Popen([SCRIPT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True)
        self.folder = pathlib.Path(self.shell.stdout.readline().strip())
        answer = self.shell.stdout.readline().strip()
        assert answer == "ready", f"no PostgreSQL: {answer}; is the package postgresql installed?"

    def command(self, word):
        self.shell.stdin.write(word + "\n")
        self.shell.stdin.flush()
        assert self.shell.stdout.readline().strip() == "done", word

    def restart_at_once(self):
        """As a crash: immediate mode, no farewell to its clients."""
        self.command("restart")

    def uri(self, database="postgres"):
        return f"postgresql:///{database}?host={self.folder}/socket&user=moenet"

    def close(self):
        self.shell.stdin.close()
        self.shell.wait(60)
        self.shell.stdout.close()
