using Microsoft.ML.Reversible.Benchmarks;
using Microsoft.ML.Reversible.Tests.Storage;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Benchmarks;

[TestClass]
public sealed class FreshProcessBitsTests
{
    [TestMethod]
    [DataRow("midpoint")]
    [DataRow("leapfrog")]
    [DataRow("hamiltonian")]
    [DataRow("bdia")]
    [DataRow("iterated-inverse")]
    public void AStepHasTheSameBitsInBothBackwardModes(string scheme)
    {
        FreshProcessBits.Result first = FreshProcessBits.Step(scheme, reference: null, dump: null);
        FreshProcessBits.Result second = FreshProcessBits.Step(scheme, reference: null, dump: null);
        Assert.AreEqual(0L, first.Differing);
        Assert.IsNull(FreshProcessBits.FirstDifference(second, first));
    }

    [TestMethod]
    public void TheOrderOfTheSchemesInAProcessDoesNotMatter()
    {
        FreshProcessBits.Result one = FreshProcessBits.Steps("midpoint,bdia", reference: null, dump: null);
        FreshProcessBits.Result other = FreshProcessBits.Steps("bdia,midpoint", reference: null, dump: null);
        Assert.IsNull(FreshProcessBits.FirstDifference(other, one));
        Assert.AreNotEqual(one.Names[0], other.Names[0]);
        string[] hashes = [.. one.Hashes];
        hashes[^1] = "0";
        Assert.AreEqual(one.Names[^1], FreshProcessBits.FirstDifference(other, one with { Hashes = hashes }));
    }

    [TestMethod]
    public void TheFirstTensorWithOtherBitsIsNamed()
    {
        using StepTrace stored = StepTrace.Record(Scheme.Midpoint, BackwardMode.Stored);
        using StepTrace other = StepTrace.Record(new Midpoint { StepSize = 0.25 }, BackwardMode.Stored);
        (long elements, string? first) = other.Difference(stored);
        Assert.AreEqual("hidden state 1", first);
        Assert.IsGreaterThan(10_000L, elements);
    }

    [TestMethod]
    public void AProcessWhoseBitsAreNotThoseOfTheReferenceSavesItsTensors()
    {
        using var folder = new ScratchFolder();
        string dump = folder.File("dump");
        FreshProcessBits.Result result = FreshProcessBits.Step("midpoint", folder.FullName, dump);
        Assert.IsFalse(Directory.Exists(dump), "there is no reference yet");
        string[] hashes = [.. result.Hashes];
        hashes[3] = "0";
        FreshProcessBits.WriteReference(folder.FullName, "steps", "midpoint", result with { Hashes = hashes });
        FreshProcessBits.Result again = FreshProcessBits.Step("midpoint", folder.FullName, dump);
        FreshProcessBits.Result reference = FreshProcessBits.ReadReference(folder.FullName, "steps", "midpoint")!;
        Assert.AreEqual("hidden state 2", FreshProcessBits.FirstDifference(again, reference));
        Assert.HasCount(2, Directory.GetFiles(dump, "midpoint-*.safetensors"));
    }

    [TestMethod]
    public void EveryOperationCanBeCalled()
    {
        foreach (string operation in FirstCalls.Operations.Keys)
        {
            FreshProcessBits.Result result = FreshProcessBits.Call(operation, setUp: true);
            Assert.AreEqual(0L, result.Differing, operation);
        }
    }
}
