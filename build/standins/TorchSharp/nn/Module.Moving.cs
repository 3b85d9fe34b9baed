using TorchSharp.Modules;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        // Moving to a device or a type replaces the parameters and buffers that change; the old ones are disposed.
        public partial class Module
        {
            internal void MoveTo(Device device, ScalarType? dtype)
            {
                if (dtype is { } type && !torch.is_floating_point(type))
                    throw new ArgumentException($"nn.Module.to only accepts floating point types, but got desired dtype={type}");
                if (device is not null)
                    InitializeDevice(device);
                foreach (var module in children())
                    module.MoveTo(device, dtype);
                foreach (var (name, parameter) in _parametersByName.Snapshot())
                    if (parameter is { IsInvalid: false } && Changes(parameter, device, dtype))
                        PutInPlace(name, Moved(parameter, device, dtype), parameter);
                foreach (var (name, buffer) in _buffersByName.Snapshot())
                    if (buffer.Persistent && Changes(buffer.Tensor, device, dtype))
                        PutInPlace(name, Converted(buffer.Tensor, device, dtype), buffer.Tensor);
            }

            private void PutInPlace(string name, Tensor made, Tensor old)
            {
                if (made is Parameter parameter)
                    _parametersByName[name] = parameter;
                else
                    _buffersByName[name] = (made, true);
                made.DetachFromDisposeScope();
                foreach (var field in Fields())
                    if (ReferenceEquals(field.GetValue(this), old))
                        field.SetValue(this, made);
                old.Dispose();
            }

            private static Parameter Moved(Parameter parameter, Device device, ScalarType? dtype)
            {
                using var grad = parameter.grad;
                var moved = new Parameter(Converted(parameter, device, dtype), parameter.requires_grad);
                if (grad is null)
                    return moved;
                using var movedGrad = Converted(grad, device, dtype);
                moved.grad = movedGrad;
                return moved;
            }

            private static bool Changes(Tensor tensor, Device device, ScalarType? dtype) =>
                (dtype is { } type && tensor.is_floating_point() && tensor.dtype != type) ||
                (device is not null && (tensor.device_type != device.type || (device.index >= 0 && tensor.device_index != device.index)));

            private static Tensor Converted(Tensor tensor, Device device, ScalarType? dtype)
            {
                using (no_grad())
                    return tensor.to(tensor.is_floating_point() ? dtype ?? tensor.dtype : tensor.dtype, device ?? tensor.device);
            }
        }
    }
}

public static class ModuleExtensionMethods
{
    public static T to<T>(this T module, torch.Device device, bool non_blocking = false) where T : torch.nn.Module =>
        Moved(module, device, null);

    public static T to<T>(this T module, torch.ScalarType type, bool non_blocking = false) where T : torch.nn.Module =>
        Moved(module, null, type);

    public static T to<T>(this T module, torch.Device device, torch.ScalarType type, bool non_blocking = false)
        where T : torch.nn.Module =>
        Moved(module, device, type);

    public static T to<T>(this T module, DeviceType deviceType, int deviceIndex = -1, bool non_blocking = false)
        where T : torch.nn.Module =>
        Moved(module, new torch.Device(deviceType, deviceIndex), null);

    public static T to<T>(this T module, string device, bool non_blocking = false) where T : torch.nn.Module =>
        Moved(module, new torch.Device(device), null);

    public static T to<T>(this T module, torch.Tensor other, bool non_blocking = false) where T : torch.nn.Module =>
        Moved(module, other.device, other.dtype);

    public static T cpu<T>(this T module, bool non_blocking = false) where T : torch.nn.Module => Moved(module, torch.CPU, null);

    public static T cuda<T>(this T module, int deviceIndex = -1, bool non_blocking = false) where T : torch.nn.Module =>
        Moved(module, new torch.Device(DeviceType.CUDA, deviceIndex), null);

    public static T @float<T>(this T module, bool non_blocking = false) where T : torch.nn.Module =>
        Moved(module, null, torch.ScalarType.Float32);

    public static T @double<T>(this T module, bool non_blocking = false) where T : torch.nn.Module =>
        Moved(module, null, torch.ScalarType.Float64);

    public static T half<T>(this T module, bool non_blocking = false) where T : torch.nn.Module =>
        Moved(module, null, torch.ScalarType.Float16);

    public static T bfloat16<T>(this T module, bool non_blocking = false) where T : torch.nn.Module =>
        Moved(module, null, torch.ScalarType.BFloat16);

    private static T Moved<T>(T module, torch.Device device, torch.ScalarType? type) where T : torch.nn.Module
    {
        module.MoveTo(device, type);
        return module;
    }
}
