"""Languages that a fence may name, and what a block in each of them is."""

from __future__ import annotations

from typing import Final

SHELLS: Final = frozenset(
    {
        "bash", "sh", "shell", "zsh", "ksh", "dash", "fish", "shellscript", "shell-script", "bash-session", "cli",
        "console", "shell-session", "shellsession", "sh-session", "terminal", "session", "term", "command",
        "commandline", "cmdline", "command-line", "kubectl", "docker-cli",
    }
)  # fmt: skip
CODE: Final = frozenset(
    {
        "python", "py", "python3", "go", "golang", "java", "javascript", "js", "jsx", "typescript", "ts", "tsx", "ruby",
        "rb", "rust", "rs", "c", "cpp", "c++", "csharp", "cs", "c#", "php", "perl", "scala", "kotlin", "swift", "lua",
        "elixir", "erlang", "clojure", "groovy", "r", "haskell", "node", "graphql", "proto", "protobuf", "starlark",
        "jsonnet", "rego", "css", "scss", "vue", "dart", "makefile", "make", "cmake", "awk", "jq", "jinja", "jinja2",
        "gotemplate", "go-template", "html", "erb", "liquid", "wasm", "asm", "vb", "julia", "ocaml", "fsharp",
    }
)  # fmt: skip
DATA: Final = frozenset({"yaml", "yml", "json", "json5", "jsonc", "ndjson"})
SETTINGS: Final = frozenset(
    {
        "toml", "ini", "conf", "config", "cfg", "cnf", "nginx", "apache", "apacheconf", "haproxy", "dockerfile",
        "docker",
        "containerfile", "hcl", "tf", "terraform", "properties", "env", "dotenv", "xml", "systemd", "logrotate", "cron",
        "crontab", "desktop", "editorconfig", "sshconfig", "ssh-config", "vcl", "caddyfile", "helm", "diff", "patch",
        "gitignore", "ldif", "pem", "promconfig",
    }
)  # fmt: skip
QUERIES: Final = frozenset({"promql", "metricsql", "prometheus"})
OTHER_QUERIES: Final = {
    "logql": "a query of Loki over logs",
    "traceql": "a query of Tempo over traces",
    "kql": "a query of Kusto",
    "kusto": "a query of Kusto",
    "spl": "a query of Splunk",
    "lucene": "a query of Elasticsearch",
    "esql": "a query of Elasticsearch",
    "flux": "a query of InfluxDB",
    "influxql": "a query of InfluxDB",
    "jql": "a query of Jira",
    "dql": "a query of Dynatrace",
    "nrql": "a query of New Relic",
    "mql": "a query of Google's Cloud Monitoring",
}
SQL: Final = frozenset(
    {"sql", "mysql", "postgresql", "postgres", "pgsql", "psql", "plsql", "tsql", "sqlite", "cql", "mariadb"}
)
REDIS: Final = frozenset({"redis", "redis-cli"})
OTHER_SHELLS: Final = {
    "powershell": "PowerShell",
    "pwsh": "PowerShell",
    "ps1": "PowerShell",
    "ps": "PowerShell",
    "posh": "PowerShell",
    "bat": "a batch file of Windows",
    "batch": "a batch file of Windows",
    "cmd": "a batch file of Windows",
    "dos": "a batch file of Windows",
    "nu": "Nushell",
    "mongodb": "commands of MongoDB's shell",
    "mongo": "commands of MongoDB's shell",
    "mongosh": "commands of MongoDB's shell",
}
OUTPUTS: Final = frozenset(
    {"output", "log", "logs", "out", "stdout", "csv", "tsv", "traceback", "pytb", "stacktrace", "http", "accesslog"}
)
PROSE: Final = frozenset(
    {
        "markdown",
        "md",
        "mdx",
        "mermaid",
        "plantuml",
        "puml",
        "dot",
        "graphviz",
        "d2",
        "ascii",
        "rst",
        "adoc",
        "tex",
        "latex",
        "math",
    }
)
