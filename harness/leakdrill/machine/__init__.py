"""What a drill uses of this machine: control groups, disks, ports, process trees, signals."""
