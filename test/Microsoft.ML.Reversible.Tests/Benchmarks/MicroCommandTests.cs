using System.Diagnostics;
using Microsoft.ML.Reversible.Benchmarks;
using Microsoft.ML.Reversible.Benchmarks.Micro;
using Microsoft.ML.Reversible.Tests.Repository;

namespace Microsoft.ML.Reversible.Tests.Benchmarks;

[TestClass]
public sealed class MicroCommandTests
{
    [TestMethod]
    [Timeout(300_000)]
    public void EverySmallPieceRuns()
    {
        using Process process = ChildProcess.Start("micro", "--dry");
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.AreEqual(0, process.ExitCode, output);
        foreach (Type piece in MicroCommand.Types) StringAssert.Contains(output, piece.Name);
    }

    [TestMethod]
    public void ThePiecesOfThePageAreTheCodes() => CollectionAssert.AreEqual(
        MicroCommand.Types.Select(type => type.Name).ToArray(),
        Document.Open("docs/benchmarks.md").Rows("piece").Select(row => row[0]).ToArray());

    [TestMethod]
    public void AFilterThatFindsNothingIsAFailure()
    {
        using Process process = ChildProcess.Start("micro", "--dry", "--filter", "*NoSuchPiece*");
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.AreEqual(1, process.ExitCode, output);
    }
}
