namespace Microsoft.ML.Reversible.Tests.Training;

[TestClass]
public sealed class DeterministicRunTests
{
    [TestMethod]
    [TestCategory("Cuda")]
    [DataRow("midpoint")]
    [DataRow("blend:16")]
    public void ARunOnCudaWithLongWindowsRepeatsToTheBitInEveryBackwardMode(string scheme)
    {
        string device = TestModels.RequireCuda().ToString();
        var ml = new MLContext(seed: 1) { FallbackToCpu = false };
        using ReversibleLmTransformer first = Train(BackwardMode.Reversible);
        foreach (BackwardMode backwardMode in Enum.GetValues<BackwardMode>())
        {
            using ReversibleLmTransformer again = Train(backwardMode);
            RunOptions.AssertSame(first, again);
        }

        ReversibleLmTransformer Train(BackwardMode backwardMode) => Corpus.Train(ml, o =>
        {
            (o.Scheme, o.BackwardMode, o.Arithmetic) = (Scheme.Parse(scheme), backwardMode, Arithmetic.Exact);
            (o.LayerCount, o.HeadCount, o.Width, o.ContextLength, o.BatchSize) = (6, 4, 256, 1024, 16);
            (o.Device, o.Precision, o.Deterministic, o.ReportInterval) = (device, Precision.BFloat16, true, 1);
            o.ValidationFraction = 0.2;
        });
    }
}
