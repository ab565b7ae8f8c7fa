"""What known programs do: tables of subcommands and options, one file for each family. Nothing here runs one."""
