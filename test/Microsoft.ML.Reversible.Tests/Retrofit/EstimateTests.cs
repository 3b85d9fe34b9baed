using Microsoft.ML.Reversible.Data;
using Microsoft.ML.Reversible.Language;
using Microsoft.ML.Reversible.Retrofit;
using Microsoft.ML.Reversible.Stack;
using Microsoft.ML.Reversible.Tests.Stability;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Retrofit;

[TestClass]
public sealed class EstimateTests
{
    private static IReadOnlyList<LayerEstimate> Measure(int steps, double[][,] matrices, params long[][] shapes)
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(4);
        LinearBlock[] blocks = [.. matrices.Select(matrix => new LinearBlock(matrix))];
        var meter = new EstimateMeter(blocks, steps);
        foreach (long[] shape in shapes)
            meter.Add(randn(shape, ScalarType.Float64, generator: random), ones(shape[..2], dtype: ScalarType.Bool));
        foreach (LinearBlock block in blocks) block.Dispose();
        return meter.Results();
    }

    private static double[,] Multiple(double factor) => LinearBlock.Diagonal(factor, factor, factor, factor);

    [TestMethod]
    public void WhereTheFunctionIsAMultipleTheErrorIsItsPower()
    {
        double[] factors = [0.25, -0.5, 1.5, 3];
        IReadOnlyList<LayerEstimate> layers = Measure(3, [.. factors.Select(Multiple)], [2, 3, 4], [1, 5, 4]);
        // The last block is behind no layer's hidden state that is estimated.
        CollectionAssert.AreEqual(new[] { 1, 2, 3 }, layers.Select(l => l.Layer).ToArray());
        foreach ((LayerEstimate layer, double factor) in layers.Zip(factors.Select(Math.Abs)))
        {
            Assert.HasCount(4, layer.RelativeErrors);
            for (int m = 0; m <= 3; m++) Assert.AreEqual(Math.Pow(factor, m + 1), layer.RelativeErrors[m], 1e-12);
            foreach (double local in layer.LocalFactors) Assert.AreEqual(factor, local, 1e-12);
            Assert.AreEqual(factor, layer.LipschitzFactor, 1e-6);
            Assert.AreEqual(factor < 1 ? 3 : 0, layer.BestSteps);
        }
    }

    [TestMethod]
    public void ErrorsAreThoseOfTheFixedPointStepsThemselves()
    {
        double[,] first = LinearBlock.Turned(LinearBlock.Diagonal(0.9, -0.3, 0.1, 1.2)), second = LinearBlock.Jordan(0.7, 4);
        IReadOnlyList<LayerEstimate> layers = Measure(2, [first, second, Multiple(1)], [2, 3, 4]);

        using var scope = NewDisposeScope();
        using var random = new Generator(4);
        Tensor x = randn([2, 3, 4], ScalarType.Float64, generator: random);
        foreach ((LayerEstimate layer, double[,] matrix) in layers.Zip([first, second]))
        {
            Tensor m = tensor(matrix).t(), behind = x + x.matmul(m), y1 = behind - behind.matmul(m), y2 = behind - y1.matmul(m);
            Tensor[] estimates = [behind, y1, y2];
            for (int i = 0; i < 3; i++)
                Assert.AreEqual(((estimates[i] - x).norm() / x.norm()).ToDouble(), layer.RelativeErrors[i], 1e-12);
            x = behind;
        }
    }

    [TestMethod]
    public void TheLipschitzFactorIsTheLargestSingularValueNotTheLargestEigenvalue()
    {
        double[,] jordan = LinearBlock.Jordan(0.5, 2);
        // MMᵀ = [[1.25, 0.5], [0.5, 0.25]] has the eigenvalue (1.5 + √2) / 2.
        LayerEstimate layer = Measure(1, [jordan, jordan], [1, 3, 2]).Single();
        Assert.AreEqual(Math.Sqrt((1.5 + Math.Sqrt(2)) / 2), layer.LipschitzFactor, 1e-4);

        double[,] turned = LinearBlock.Turned(LinearBlock.Diagonal(0.1, -2.5, 0.4, 2.2, 1));
        Assert.AreEqual(2.5, Measure(1, [turned, turned], [1, 3, 5]).Single().LipschitzFactor, 2.5e-3);
        Assert.AreEqual(0, Measure(1, [Multiple(0), Multiple(0)], [1, 3, 4]).Single().LipschitzFactor);
    }

    [TestMethod]
    public void TheSingularValueOfATransformerBlockIsThatOfItsWholeJacobian()
    {
        using LanguageNetwork network = TestModels.Make(TestModels.Small, Scheme.Residual, BackwardMode.Stored);
        RetrofitTexts.Sharpen(network);
        using var scope = NewDisposeScope();
        Tensor state = network.Embed(TestModels.Ids(TestModels.Small, 1, 4)).detach();
        var block = network.Stack.Blocks[0];
        var jacobian = new TransposedJacobian([(block, state)]);
        var products = new Tensor[jacobian.Size];
        for (int i = 0; i < products.Length; i++)
        {
            Tensor unit = zeros(jacobian.Size, dtype: ScalarType.Float64);
            unit.narrow(0, i, 1).fill_(1);
            products[i] = jacobian.Apply(unit);
        }
        Tensor j = stack(products), direction = randn([jacobian.Size], dtype: ScalarType.Float64);
        for (int i = 0; i < 2000; i++) direction = j.t().mv(j.mv(direction / direction.norm()));
        double exact = Math.Sqrt(direction.norm().ToDouble()), found = LargestSingularValue.Of(block, state, seed: 1);
        Assert.IsTrue(found <= exact * (1 + 1e-5) && found > exact * 0.98, $"{found} of {exact}");
    }

    [TestMethod]
    public void PaddingDoesNotCount()
    {
        using LanguageNetwork teacher = TestModels.Make(TestModels.SmallLlama, Scheme.Residual, BackwardMode.Stored);
        TokenBatch whole = RetrofitTexts.Batch(1, 6, seed: 1, ignored: 2);
        TokenBatch cut = new(whole.Inputs[..4], whole.Targets[..4], 1);
        IReadOnlyList<LayerEstimate> padded = EstimateMeter.Measure(teacher, [whole], 2), bare = EstimateMeter.Measure(teacher, [cut], 2);
        foreach ((LayerEstimate a, LayerEstimate b) in padded.Zip(bare))
            for (int m = 0; m <= 2; m++) Assert.AreEqual(b.RelativeErrors[m], a.RelativeErrors[m], 1e-6 * b.RelativeErrors[m]);
    }

    [TestMethod]
    public void TheVerdictCountsTheLayersInWhichStepsHelp()
    {
        Assert.AreEqual(
            "Fixed-point steps find the hidden state before a layer only if the Lipschitz factor of its function is below 1: " +
            "here it is 0.5 to 2, below 1 in 1 of 2 layers. " +
            "On this text the first step improves the estimate in 1 of 2 layers, the second in 1 of 2 layers.",
            EstimateVerdict.Of(Measure(2, [Multiple(0.5), Multiple(2), Multiple(1)], [1, 2, 4])));
        Assert.IsNull(EstimateVerdict.Of([]));
    }

    [TestMethod]
    public void MeasuringLeavesGradientsAndTensorsAsTheyWere()
    {
        using LanguageNetwork teacher = TestModels.Make(TestModels.SmallLlama, Scheme.Residual, BackwardMode.Stored);
        TokenBatch[] batches = [RetrofitTexts.Batch(2, 4, seed: 1), RetrofitTexts.Batch(1, 4, seed: 2)];
        long before = TestModels.LiveTensors();
        EstimateMeter.Measure(teacher, batches, 2);
        Assert.ThrowsExactly<OperationCanceledException>(() => EstimateMeter.Measure(teacher, batches, 2, new(canceled: true)));
        Assert.IsTrue(teacher.parameters().All(p => p.grad is null));
        Assert.AreEqual(before, TestModels.LiveTensors());
    }
}
