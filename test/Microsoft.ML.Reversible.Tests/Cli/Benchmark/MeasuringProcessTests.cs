using System.Diagnostics;
using Microsoft.ML.Reversible.Cli.Benchmark;

namespace Microsoft.ML.Reversible.Tests.Cli.Benchmark;

[TestClass]
public sealed class MeasuringProcessTests
{
    private static readonly BenchRow Row = new BenchSettings().Configurations().Single().Row();

    [TestInitialize]
    public void NeedsAShell()
    {
        if (OperatingSystem.IsWindows()) Assert.Inconclusive("There is no sh here.");
    }

    [TestMethod]
    [DataRow("kill -KILL $$")]
    [DataRow("kill -ABRT $$")]
    [DataRow("echo 'CUDA out of memory. Tried to allocate 2.00 GiB' >&2; kill -SEGV $$")]
    [DataRow("echo 'DefaultCPUAllocator: can'\"'\"'t allocate memory' >&2; exit 1")]
    public void AProcessThatLackOfMemoryEndsIsARowThatSaysSo(string program) =>
        Assert.AreEqual(Row with { OutOfMemory = true }, Run(program));

    [TestMethod]
    [DataRow("echo 'no such kernel' >&2; exit 3", "The measuring process ended with code 3. no such kernel")]
    [DataRow("kill -SEGV $$", "The measuring process ended with code 139.")]
    [DataRow("echo nonsense; echo '[]'", "The measuring process ended with code 0.")]
    public void AnyOtherEndIsARowWithTheReason(string program, string error) => Assert.AreEqual(Row with { Error = error }, Run(program));

    [TestMethod]
    public void TheLastLineOfTheOutputIsTheRow()
    {
        BenchRow measured = Row with { TokensPerS = 12.5, PeakGib = 1, Loss = double.NaN };
        Assert.AreEqual(measured, Run($"echo starting; echo '{measured.ToJson()}'; echo 'out of memory, not' >&2"));
    }

    [TestMethod]
    [Timeout(60_000)]
    public void CancellingEndsTheProcess()
    {
        using var soon = new CancellationTokenSource(TimeSpan.FromSeconds(0.2));
        Assert.ThrowsExactly<OperationCanceledException>(() => Run("sleep 600", soon.Token));
    }

    private static BenchRow Run(string program, CancellationToken cancellationToken = default) =>
        MeasuringProcess.Run(new ProcessStartInfo("sh", ["-c", program]), Row, cancellationToken);
}
