namespace TorchSharp;

public static partial class torch
{
    public sealed class Device
    {
        public Device(string description)
        {
            var colon = description.IndexOf(':', StringComparison.Ordinal);
            type = Parse(colon < 0 ? description : description[..colon]);
            index = colon < 0 ? DefaultIndex(type) : int.Parse(description.AsSpan(colon + 1));
        }

        public Device(string deviceType, int index = -1) : this(Parse(deviceType), index) { }

        public Device(DeviceType deviceType, int index = -1)
        {
            type = deviceType;
            this.index = index == -1 ? DefaultIndex(deviceType) : index;
        }

        public Device(int index) : this(DeviceType.CUDA, index) { }

        public DeviceType type { get; }

        public int index { get; }

        public static implicit operator Device(string description) => new(description);

        public override string ToString() => type == DeviceType.CPU ? "cpu" : $"{type.ToString().ToLowerInvariant()}:{index}";

        // A processor has no number; of accelerators the first one is meant.
        private static int DefaultIndex(DeviceType type) => type == DeviceType.CUDA ? 0 : -1;

        private static DeviceType Parse(string name) =>
            Enum.TryParse<DeviceType>(name, ignoreCase: true, out var type)
                ? type
                : throw new ArgumentException($"Unknown device '{name}'.");
    }

    public static Device CPU = new(DeviceType.CPU);
    public static Device META = new(DeviceType.META);

    public static Device CUDA => new(DeviceType.CUDA);

    public static Device device(string description) => new(description);

    public static Device device(string deviceType, int index = -1) => new(deviceType, index);

    public static Device device(DeviceType deviceType, int index = -1) => new(deviceType, index);

    public static Device device(int index) => new(index);

    public static Device get_default_device() => _defaultDevice;

    public static void set_default_device(Device device) => _defaultDevice = device ?? CPU;

    public static void set_default_device(string device) => set_default_device(new Device(device));

    private static Device _defaultDevice = CPU;

    public static bool TryInitializeDeviceType(DeviceType deviceType) => deviceType switch
    {
        DeviceType.CPU => true,
        DeviceType.CUDA => cuda.is_available(),
        _ => false,
    };

    public static void InitializeDeviceType(DeviceType deviceType)
    {
        if (!TryInitializeDeviceType(deviceType))
            throw new InvalidOperationException($"Torch device type {deviceType} did not initialise on the current machine.");
    }

    public static Device InitializeDevice(Device device)
    {
        device ??= _defaultDevice;
        if (device.type == DeviceType.CUDA)
            InitializeDeviceType(DeviceType.CUDA);
        return device;
    }

    internal static Native.OptionsArg Options(ScalarType? dtype, Device device, bool requiresGrad)
    {
        device ??= _defaultDevice;
        return new Native.OptionsArg
        {
            Type = dtype is { } type ? (int)type : -1,
            Device = (int)device.type,
            Index = device.index,
            RequiresGrad = requiresGrad ? 1 : 0,
        };
    }

    // Leaves device and type open, so that a new tensor takes them from its model.
    internal static Native.OptionsArg OptionsLike(ScalarType? dtype, Device device, bool requiresGrad) => new()
    {
        Type = dtype is { } type ? (int)type : -1,
        Device = device is null ? -1 : (int)device.type,
        Index = device?.index ?? -1,
        RequiresGrad = requiresGrad ? 1 : 0,
    };
}
