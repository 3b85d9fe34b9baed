using System.Diagnostics;
using System.Globalization;

namespace Microsoft.ML.Reversible.Benchmarks;

/// <summary>
/// Measures the peak memory of a GPU by its driver since this was created, minus the memory in use then. TorchSharp has no such method.
/// </summary>
internal sealed class DeviceMemory : IDisposable
{
    private const int MillisecondsBetween = 200;

    private readonly CancellationTokenSource _end = new();
    private readonly Task? _sampling;
    private long _peak;

    /// <summary>Starts to measure; a device other than CUDA is not measured.</summary>
    public DeviceMemory(string? device)
    {
        if (device?.StartsWith("cuda", StringComparison.Ordinal) != true) return;
        string index = device.Contains(':') ? device.Split(':')[1] : "0";
        long before = InUse(index);
        _sampling = Task.Run(async () =>
        {
            while (!_end.IsCancellationRequested)
            {
                _peak = Math.Max(_peak, InUse(index) - before);
                await Task.Delay(MillisecondsBetween);
            }
        });
    }

    /// <summary>The peak in bytes; null if the device is not measured.</summary>
    public long? Peak => _sampling is null ? null : _peak;

    public void Dispose()
    {
        _end.Cancel();
        _sampling?.Wait();
        _end.Dispose();
    }

    private static long InUse(string index)
    {
        var start = new ProcessStartInfo("nvidia-smi", ["-i", index, "--query-gpu=memory.used", "--format=csv,noheader,nounits"])
        {
            RedirectStandardOutput = true,
        };
        using Process process = Process.Start(start)!;
        return long.Parse(process.StandardOutput.ReadToEnd(), CultureInfo.InvariantCulture) << 20;
    }
}
