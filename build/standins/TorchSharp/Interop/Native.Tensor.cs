using System.Runtime.InteropServices;

namespace TorchSharp;

// Errors, lifetime, properties and memory of one tensor: native/tensor.cpp.
internal static unsafe partial class Native
{
    [DllImport(Library)] internal static extern byte* ts_last_error();
    [DllImport(Library)] internal static extern void ts_free(nint a);
    [DllImport(Library)] internal static extern void ts_free_array(nint* array);
    [DllImport(Library)] internal static extern long ts_dim(nint a);
    [DllImport(Library)] internal static extern long ts_numel(nint a);
    [DllImport(Library)] internal static extern int ts_dtype(nint a);
    [DllImport(Library)] internal static extern int ts_device_type(nint a);
    [DllImport(Library)] internal static extern int ts_device_index(nint a);
    [DllImport(Library)] internal static extern long ts_element_size(nint a);
    [DllImport(Library)] internal static extern bool ts_is_contiguous(nint a);
    [DllImport(Library)] internal static extern long ts_storage_offset(nint a);
    [DllImport(Library)] internal static extern int ts_is_pinned(nint a, bool* @out);
    [DllImport(Library)] internal static extern void ts_sizes(nint a, long* @out);
    [DllImport(Library)] internal static extern void ts_strides(nint a, long* @out);
    [DllImport(Library)] internal static extern int ts_size(nint a, long dim, long* @out);
    [DllImport(Library)] internal static extern void* ts_data_ptr(nint a);
    [DllImport(Library)] internal static extern int ts_item(nint a, ScalarArg* @out);
    [DllImport(Library)] internal static extern nint ts_to(nint a, int dtype, int device, int index, bool copy, bool non_blocking);
    [DllImport(Library)] internal static extern int ts_copy_(nint a, nint source, bool non_blocking);
    [DllImport(Library)] internal static extern int ts_set_(nint a, nint source);
    [DllImport(Library)] internal static extern nint ts_contiguous(nint a);
    [DllImport(Library)] internal static extern nint ts_clone(nint a);
    [DllImport(Library)] internal static extern nint ts_alias(nint a);
    [DllImport(Library)] internal static extern nint ts_detach(nint a);
    [DllImport(Library)] internal static extern int ts_detach_(nint a);
    [DllImport(Library)] internal static extern nint ts_pin_memory(nint a);
}
