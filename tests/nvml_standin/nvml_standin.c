/* A stand-in for NVIDIA's libnvidia-ml.so.1: the calls that our meter makes, answered from a file.
 *
 * The file named by NVML_STANDIN_STATE is mapped into memory, so that what a test writes there is what the next call
 * says. Its layout is `State` below and in standin.py. Signatures and codes are those of NVIDIA's NVML API reference.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    SUCCESS = 0, UNINITIALIZED = 1, INVALID_ARGUMENT = 2, NOT_SUPPORTED = 3, NOT_FOUND = 6, INSUFFICIENT_SIZE = 7,
    DRIVER_NOT_LOADED = 9, TIMEOUT = 10, GPU_IS_LOST = 15, VERSION_MISMATCH = 25
};
enum { MEMORY = 1, MEMORY_V2 = 2, PROCESSES = 4, UTILISATION = 8, TEMPERATURE = 16, POWER = 32, ECC = 64, XID = 128 };
enum { MOST_DEVICES = 16, MOST_PROCESSES = 16, MOST_SLICES = 7 };

typedef struct { uint64_t used; uint32_t pid; uint32_t slice; } Process;
typedef struct { uint64_t total, used; uint32_t id; char name[96]; char uuid[96]; } Slice;
typedef struct {
    uint64_t total, reserved, elsewhere, ecc_corrected, ecc_uncorrected;
    uint32_t error, lacks, gpu_util, memory_util, temperature, power_mw, xid, xids, mig, slice_count, process_count;
    char name[96], uuid[96], bus_id[32];
    Slice slices[MOST_SLICES];
    Process processes[MOST_PROCESSES];
} Device;
typedef struct { uint32_t init_error, device_count; char driver[80], nvml[80]; Device devices[MOST_DEVICES]; } State;

typedef struct { unsigned device, slice; } Handle; /* slice 0: the card itself; else its place plus one */
static Handle handles[MOST_DEVICES][MOST_SLICES + 1];
static unsigned told_xids[MOST_DEVICES];
static volatile State *state;
static int users;

static int map_state(void) {
    const char *path = getenv("NVML_STANDIN_STATE");
    int file = path ? open(path, O_RDONLY) : -1;
    if (file < 0) return DRIVER_NOT_LOADED;
    void *mapped = mmap(NULL, sizeof(State), PROT_READ, MAP_SHARED, file, 0);
    close(file);
    if (mapped == MAP_FAILED) return DRIVER_NOT_LOADED;
    state = mapped;
    return SUCCESS;
}

int nvmlInitWithFlags(unsigned flags) {
    (void)flags;
    int error = state ? SUCCESS : map_state();
    if (error == SUCCESS) error = (int)state->init_error;
    if (error != SUCCESS) return error;
    users++;
    for (unsigned d = 0; d < MOST_DEVICES; d++) {
        told_xids[d] = state->devices[d].xids;
        for (unsigned s = 0; s <= MOST_SLICES; s++) handles[d][s] = (Handle){d, s};
    }
    return SUCCESS;
}

int nvmlShutdown(void) { return users > 0 ? (users--, SUCCESS) : UNINITIALIZED; }

const char *nvmlErrorString(int code) {
    static char text[32];
    snprintf(text, sizeof text, "stand-in error %d", code);
    return text;
}

/* Whether `handle` can be asked for what `what` stands for: an error of the whole card comes first. */
static int may_ask(const Handle *handle, unsigned what) {
    if (users == 0) return UNINITIALIZED;
    if (handle == NULL) return INVALID_ARGUMENT;
    volatile Device *device = &state->devices[handle->device];
    if (device->error != SUCCESS) return (int)device->error;
    return device->lacks & what ? NOT_SUPPORTED : SUCCESS;
}

static int copy(char *to, unsigned size, volatile const char *from) {
    return snprintf(to, size, "%s", (const char *)from) < (int)size ? SUCCESS : INSUFFICIENT_SIZE;
}

int nvmlSystemGetDriverVersion(char *to, unsigned size) { return users ? copy(to, size, state->driver) : UNINITIALIZED; }
int nvmlSystemGetNVMLVersion(char *to, unsigned size) { return users ? copy(to, size, state->nvml) : UNINITIALIZED; }

int nvmlDeviceGetCount_v2(unsigned *count) {
    if (users == 0) return UNINITIALIZED;
    *count = state->device_count;
    return SUCCESS;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, Handle **handle) {
    if (users == 0) return UNINITIALIZED;
    if (index >= state->device_count) return INVALID_ARGUMENT;
    *handle = &handles[index][0];
    return may_ask(*handle, 0);
}

int nvmlDeviceGetHandleByUUID(const char *uuid, Handle **handle) {
    if (users == 0) return UNINITIALIZED;
    for (unsigned d = 0; d < state->device_count; d++) {
        *handle = &handles[d][0];
        if (strcmp(uuid, (const char *)state->devices[d].uuid) == 0) return may_ask(*handle, 0);
        for (unsigned s = 0; s < state->devices[d].slice_count; s++) {
            *handle = &handles[d][s + 1];
            if (strcmp(uuid, (const char *)state->devices[d].slices[s].uuid) == 0) return may_ask(*handle, 0);
        }
    }
    return NOT_FOUND;
}

static volatile Slice *slice_of(const Handle *handle) {
    return handle->slice ? &state->devices[handle->device].slices[handle->slice - 1] : NULL;
}

int nvmlDeviceGetName(Handle *handle, char *to, unsigned size) {
    int error = may_ask(handle, 0);
    if (error != SUCCESS) return error;
    volatile Slice *slice = slice_of(handle);
    return copy(to, size, slice ? slice->name : state->devices[handle->device].name);
}

int nvmlDeviceGetUUID(Handle *handle, char *to, unsigned size) {
    int error = may_ask(handle, 0);
    if (error != SUCCESS) return error;
    volatile Slice *slice = slice_of(handle);
    return copy(to, size, slice ? slice->uuid : state->devices[handle->device].uuid);
}

int nvmlDeviceGetIndex(Handle *handle, unsigned *index) {
    int error = may_ask(handle, 0);
    if (error == SUCCESS) *index = handle->device;
    return error;
}

int nvmlDeviceGetMinorNumber(Handle *handle, unsigned *minor) {
    int error = may_ask(handle, 0);
    if (error == SUCCESS && handle->slice) error = NOT_SUPPORTED;
    if (error == SUCCESS) *minor = handle->device;
    return error;
}

typedef struct {
    char legacy[16]; unsigned domain, bus, device, id, subsystem; char bus_id[32];
} PciInfo;

int nvmlDeviceGetPciInfo_v3(Handle *handle, PciInfo *info) {
    int error = may_ask(handle, 0);
    if (error != SUCCESS) return error;
    memset(info, 0, sizeof *info);
    return copy(info->bus_id, sizeof info->bus_id, state->devices[handle->device].bus_id);
}

typedef struct { unsigned long long total, free, used; } Memory;
typedef struct { unsigned version; unsigned long long total, reserved, free, used; } MemoryV2;

static MemoryV2 memory_of(const Handle *handle) {
    volatile Slice *slice = slice_of(handle);
    if (slice) return (MemoryV2){0, slice->total, 0, slice->total - slice->used, slice->used};
    volatile Device *device = &state->devices[handle->device];
    unsigned long long used = device->elsewhere;
    for (unsigned p = 0; p < device->process_count; p++)
        if (device->processes[p].pid && device->processes[p].used != UINT64_MAX) used += device->processes[p].used;
    unsigned long long most = device->total - device->reserved;
    used = used > most ? most : used;
    return (MemoryV2){0, device->total, device->reserved, most - used, used};
}

int nvmlDeviceGetMemoryInfo(Handle *handle, Memory *memory) {
    int error = may_ask(handle, MEMORY);
    if (error != SUCCESS) return error;
    MemoryV2 found = memory_of(handle); /* the first version counts what is reserved as used */
    *memory = (Memory){found.total, found.free, found.used + found.reserved};
    return SUCCESS;
}

int nvmlDeviceGetMemoryInfo_v2(Handle *handle, MemoryV2 *memory) {
    int error = may_ask(handle, MEMORY | MEMORY_V2);
    if (error != SUCCESS) return error;
    if (memory->version != (sizeof(MemoryV2) | 2u << 24)) return VERSION_MISMATCH;
    unsigned version = memory->version;
    *memory = memory_of(handle);
    memory->version = version;
    return SUCCESS;
}

typedef struct { unsigned pid; unsigned long long used; unsigned gpu_instance, compute_instance; } ProcessInfo;

int nvmlDeviceGetComputeRunningProcesses_v3(Handle *handle, unsigned *count, ProcessInfo *to) {
    int error = may_ask(handle, PROCESSES);
    if (error != SUCCESS) return error;
    volatile Device *device = &state->devices[handle->device];
    volatile Slice *slice = slice_of(handle);
    unsigned found = 0, room = *count;
    for (unsigned p = 0; p < device->process_count; p++) {
        volatile Process *process = &device->processes[p];
        if (process->pid == 0 || (slice && process->slice != slice->id)) continue;
        if (to && found < room) to[found] = (ProcessInfo){process->pid, process->used, process->slice, 0};
        found++;
    }
    *count = found;
    return found > room ? INSUFFICIENT_SIZE : SUCCESS;
}

int nvmlDeviceGetGraphicsRunningProcesses_v3(Handle *handle, unsigned *count, ProcessInfo *to) {
    (void)to;
    int error = may_ask(handle, PROCESSES);
    if (error == SUCCESS) *count = 0;
    return error;
}

typedef struct { unsigned gpu, memory; } Utilisation;

int nvmlDeviceGetUtilizationRates(Handle *handle, Utilisation *to) {
    int error = may_ask(handle, UTILISATION);
    if (error == SUCCESS && state->devices[handle->device].mig) error = NOT_SUPPORTED; /* as real cards in MIG mode */
    if (error != SUCCESS) return error;
    *to = (Utilisation){state->devices[handle->device].gpu_util, state->devices[handle->device].memory_util};
    return SUCCESS;
}

typedef struct { unsigned version, sensor; int temperature; } Temperature;

int nvmlDeviceGetTemperatureV(Handle *handle, Temperature *to) {
    int error = may_ask(handle, TEMPERATURE);
    if (error == SUCCESS && handle->slice) error = NOT_SUPPORTED;
    if (error == SUCCESS) to->temperature = (int)state->devices[handle->device].temperature;
    return error;
}

int nvmlDeviceGetPowerUsage(Handle *handle, unsigned *milliwatts) {
    int error = may_ask(handle, POWER);
    if (error == SUCCESS && handle->slice) error = NOT_SUPPORTED;
    if (error == SUCCESS) *milliwatts = state->devices[handle->device].power_mw;
    return error;
}

int nvmlDeviceGetTotalEccErrors(Handle *handle, unsigned kind, unsigned counter, unsigned long long *count) {
    (void)counter;
    int error = may_ask(handle, ECC);
    if (error == SUCCESS && handle->slice) error = NOT_SUPPORTED;
    if (error != SUCCESS) return error;
    *count = kind ? state->devices[handle->device].ecc_uncorrected : state->devices[handle->device].ecc_corrected;
    return SUCCESS;
}

int nvmlDeviceGetMigMode(Handle *handle, unsigned *current, unsigned *pending) {
    int error = may_ask(handle, 0);
    if (error == SUCCESS && handle->slice) error = NOT_SUPPORTED;
    if (error == SUCCESS) *current = *pending = state->devices[handle->device].mig;
    return error;
}

int nvmlDeviceGetMaxMigDeviceCount(Handle *handle, unsigned *count) {
    int error = may_ask(handle, 0);
    if (error == SUCCESS) *count = state->devices[handle->device].mig ? MOST_SLICES : 0;
    return error;
}

int nvmlDeviceGetMigDeviceHandleByIndex(Handle *handle, unsigned index, Handle **slice) {
    int error = may_ask(handle, 0);
    if (error != SUCCESS) return error;
    if (index >= state->devices[handle->device].slice_count) return NOT_FOUND;
    *slice = &handles[handle->device][index + 1];
    return SUCCESS;
}

int nvmlDeviceGetDeviceHandleFromMigDeviceHandle(Handle *slice, Handle **handle) {
    int error = may_ask(slice, 0);
    if (error == SUCCESS && !slice->slice) error = INVALID_ARGUMENT;
    if (error == SUCCESS) *handle = &handles[slice->device][0];
    return error;
}

int nvmlDeviceGetGpuInstanceId(Handle *handle, unsigned *id) {
    int error = may_ask(handle, 0);
    if (error == SUCCESS && !handle->slice) error = NOT_SUPPORTED;
    if (error == SUCCESS) *id = slice_of(handle)->id;
    return error;
}

typedef struct {
    Handle *device; unsigned long long type, data; unsigned gpu_instance, compute_instance;
} EventData;

int nvmlEventSetCreate(void **set) {
    static int only;
    *set = &only;
    return users ? SUCCESS : UNINITIALIZED;
}

int nvmlDeviceRegisterEvents(Handle *handle, unsigned long long types, void *set) {
    (void)types, (void)set;
    return may_ask(handle, XID);
}

int nvmlEventSetWait_v2(void *set, EventData *event, unsigned timeout_ms) {
    (void)set, (void)timeout_ms;
    for (unsigned d = 0; d < state->device_count; d++) {
        if (told_xids[d] == state->devices[d].xids) continue;
        told_xids[d] = state->devices[d].xids;
        *event = (EventData){&handles[d][0], 8, state->devices[d].xid, ~0u, ~0u};
        return SUCCESS;
    }
    return TIMEOUT;
}

int nvmlEventSetFree(void *set) { return set ? SUCCESS : INVALID_ARGUMENT; }
