using System.Text.Json;
using Microsoft.ML.Reversible.Cli;
using Microsoft.ML.Reversible.Training;
using TorchSharp;

namespace Microsoft.ML.Reversible.Tests.Training;

[TestClass]
public sealed class MemoryMeterTests
{
    private const long GiB = 1 << 30;

    [TestMethod]
    public void ThePeakOfADeviceIsTheLargestThatWasRead()
    {
        var readings = new Queue<long?>([2, 26, null, 3]);
        var meter = new MemoryMeter(readings.Dequeue, () => 7);
        Assert.IsNull(meter.DevicePeak);
        Assert.AreEqual((2L, 7L), meter.Read());
        Assert.AreEqual((26L, 7L), meter.Read());
        Assert.AreEqual((null, 7L), meter.Read());
        Assert.AreEqual((3L, 7L), meter.Read());
        Assert.AreEqual(26, meter.DevicePeak);
    }

    [TestMethod]
    public void OnTheCpuThereIsHostMemoryAlone()
    {
        var meter = new MemoryMeter(torch.CPU);
        (long? device, long host) = meter.Read();
        Assert.IsNull(device);
        Assert.IsGreaterThan(1L << 20, host);
        Assert.IsNull(meter.DevicePeak);
    }

    [TestMethod]
    [DataRow(5L, 90L, 80L, 5L, DisplayName = "the driver knows the process")]
    [DataRow(null, 90L, 80L, 10L, DisplayName = "it knows the programs together")]
    [DataRow(null, 70L, 80L, 0L, DisplayName = "another program has ended meanwhile")]
    [DataRow(null, 90L, null, null, DisplayName = "what was in use before is not known")]
    [DataRow(null, null, null, null, DisplayName = "there is no driver")]
    public void TheDriversCountOfTheProcessComesFirst(long? own, long? all, long? before, long? held) =>
        Assert.AreEqual(held, GpuMemory.Held(own, all, before));

    [TestMethod]
    public void AReportNamesHostAndDeviceMemoryApart()
    {
        var onGpu = new TrainingProgress(1, 1, 1, 1, 1, 1, 1, null, HostMemoryBytes: GiB, DeviceMemoryBytes: 26 * GiB);
        JsonElement json = JsonDocument.Parse(onGpu.ToJson()).RootElement;
        Assert.AreEqual(1.0, json.GetProperty("host_memory_gib").GetDouble());
        Assert.AreEqual(26.0, json.GetProperty("device_memory_gib").GetDouble());
        json = JsonDocument.Parse((onGpu with { DeviceMemoryBytes = null }).ToJson()).RootElement;
        Assert.IsFalse(json.TryGetProperty("device_memory_gib", out _));
        Assert.IsFalse(json.TryGetProperty("memory_gib", out _));
    }

    [TestMethod]
    public void ThePeaksOfARunAreNamed()
    {
        var progress = new TrainingProgress(1, 1, 1, 1, 1, 1, 1, null);
        var onCpu = new TrainingMetrics([progress], 0, TimeSpan.FromSeconds(1), peakDeviceMemory: null);
        StringAssert.StartsWith(TrainingScreen.Peaks(onCpu), "peak host memory ");
        var onGpu = new TrainingMetrics([progress], 0, TimeSpan.FromSeconds(1), 26 * GiB);
        StringAssert.StartsWith(TrainingScreen.Peaks(onGpu), "peak device memory 26624 MiB, peak host memory ");
    }

    [TestMethod]
    public void AReportWithoutWhatIsOptionalIsRead()
    {
        var progress = JsonSerializer.Deserialize<TrainingProgress>(
            """{"Step":1,"MaxSteps":2,"UnitCount":3,"Loss":1,"LearningRate":1,"GradNorm":1,"UnitsPerSecond":1,"HostMemoryBytes":5}""");
        Assert.AreEqual((5L, null), (progress!.HostMemoryBytes, progress.DeviceMemoryBytes));
    }

    [TestMethod]
    [TestCategory("Cuda")]
    public void OnAGpuARunReportsWhatItHoldsThere()
    {
        string device = TestModels.RequireCuda().ToString();
        var ml = new MLContext(seed: 1) { FallbackToCpu = false };
        using ReversibleLmTransformer model = Corpus.Train(ml, o => o.Device = device);
        // 4 GiB are more than what the allocator may hold in reserve from before, so that they show only where the device is asked.
        long before = model.Metrics!.PeakDeviceMemory!.Value;
        using torch.Tensor large = torch.zeros(1 << 30, device: torch.CUDA);
        var meter = new MemoryMeter(torch.CUDA);
        Assert.IsGreaterThanOrEqualTo(before + (400L << 20), meter.Read().Device!.Value);
        Assert.AreEqual(before, model.Metrics.History.Max(p => p.DeviceMemoryBytes));
    }
}
