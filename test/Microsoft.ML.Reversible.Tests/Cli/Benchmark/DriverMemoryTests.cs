using Microsoft.ML.Reversible.Cli.Benchmark;

namespace Microsoft.ML.Reversible.Tests.Cli.Benchmark;

[TestClass]
public sealed class DriverMemoryTests
{
    [TestMethod]
    [DataRow("cpu", "0,1", null)]
    [DataRow("cuda", null, "0")]
    [DataRow("cuda:3", "", "3")]
    [DataRow("cuda", "2,0", "2")]
    [DataRow("cuda:1", "2, 0", "0")]
    [DataRow("cuda:1", "GPU-ab,GPU-cd", "GPU-cd")]
    [DataRow("cuda:2", "2,0", null)]
    public void ADeviceOfTheProcessIsFoundAmongTheDrivers(string device, string? visible, string? gpu) =>
        Assert.AreEqual(gpu, DriverMemory.GpuOf(device, visible));
}
