namespace Microsoft.ML.Reversible.Tests.Training;

[TestClass]
public sealed class DeterministicRunTests
{
    [TestMethod]
    [TestCategory("Cuda")]
    [DataRow("midpoint")]
    [DataRow("blend:16")]
    public void ARunOnCudaWithLongWindowsRepeatsToTheBitOnEveryWayBack(string scheme)
    {
        string device = TestModels.RequireCuda().ToString();
        var ml = new MLContext(seed: 1) { FallbackToCpu = false };
        using ReversibleLmTransformer first = Train(WayBack.Reversible);
        foreach (WayBack wayBack in Enum.GetValues<WayBack>())
        {
            using ReversibleLmTransformer again = Train(wayBack);
            RunOptions.AssertSame(first, again);
        }

        ReversibleLmTransformer Train(WayBack wayBack) => Corpus.Train(ml, o =>
        {
            (o.Scheme, o.WayBack, o.Arithmetic) = (Scheme.Parse(scheme), wayBack, Arithmetic.Exact);
            (o.LayerCount, o.HeadCount, o.Width, o.ContextLength, o.BatchSize) = (6, 4, 256, 1024, 16);
            (o.Device, o.Precision, o.Deterministic, o.ReportInterval) = (device, Precision.BFloat16, true, 1);
            o.ValidationFraction = 0.2;
        });
    }
}
