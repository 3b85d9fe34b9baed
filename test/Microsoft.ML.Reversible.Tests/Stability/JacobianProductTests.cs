using Microsoft.ML.Reversible.Stability;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Stability;

[TestClass]
public sealed class JacobianProductTests
{
    private static double[] Values(Tensor x) => x.contiguous().data<double>().ToArray();

    [TestMethod]
    public void AMatrixIsMultipliedFromEitherSide()
    {
        using var scope = NewDisposeScope();
        using var block = new LinearBlock(new double[,] { { 1, 2 }, { 3, 4 } });
        using Tensor state = ones([1, 1, 2], dtype: ScalarType.Float64), vector = tensor([1.0, -10.0]);
        CollectionAssert.AreEqual(new double[] { -19, -37 }, Values(JacobianProduct.Of(block, state, vector)));
        CollectionAssert.AreEqual(new double[] { -29, -38 }, Values(JacobianProduct.OfTransposed(block, state, vector)));
        Assert.IsFalse(block.HasGradient, "parameters' gradients are left alone");
    }

    [TestMethod]
    [DataRow("gpt")]
    [DataRow("llama")]
    public void ATrainedBlocksProductsAreThoseOfItsCentralDifferences(string family)
    {
        using ReversibleLmTransformer model = Corpus.Train(
            new MLContext(seed: 1), o => (o.Family, o.MaxSteps) = (family == "gpt" ? ModelFamily.Gpt2 : ModelFamily.Llama, 5));
        using var scope = NewDisposeScope();
        nn.Module<Tensor, Tensor> block = model.Network.Stack.Blocks[1];
        Tensor state = model.Network.Embed(tensor(new long[] { 116, 104, 101, 32, 102 }, [1, 5])).detach();
        using var random = new Generator(3);
        Tensor v = randn([state.numel()], dtype: ScalarType.Float64, generator: random), u = randn_like(v);
        Tensor product = JacobianProduct.Of(block, state, v), transposed = JacobianProduct.OfTransposed(block, state, u);

        using var noGraph = no_grad();
        double step = 1e-2 * state.abs().max().to(ScalarType.Float64).item<double>();
        Tensor move = (v / v.norm() * step).view(state.shape).to(ScalarType.Float32);
        Tensor difference = (block.call(state + move) - block.call(state - move)).flatten().to(ScalarType.Float64) * v.norm() / (2 * step);
        Assert.IsLessThan(2e-2, TestModels.RelativeError(product, difference));
        double inner = u.dot(product).item<double>();
        Assert.AreEqual(inner, transposed.dot(v).item<double>(), 1e-5 * (u.norm() * product.norm()).item<double>());
    }

    [TestMethod]
    [DataRow(1e120)]
    [DataRow(1e-120)]
    public void VectorsBeyondTheRangeOfTheFunctionsTypeAreScaled(double size)
    {
        using var scope = NewDisposeScope();
        using var block = new LinearBlock(new double[,] { { 1, 2 }, { 3, 4 } });
        block.to(ScalarType.Float32);
        using Tensor state = ones([1, 1, 2]), vector = tensor([size, 0.0]);
        CollectionAssert.AreEqual(new[] { size, 3 * size }, Values(JacobianProduct.Of(block, state, vector)));
        CollectionAssert.AreEqual(new[] { size, 2 * size }, Values(JacobianProduct.OfTransposed(block, state, vector)));
    }

    [TestMethod]
    public void AFunctionThatDoesNotDependOnItsInputGivesZero()
    {
        using var scope = NewDisposeScope();
        using var constant = new Constant();
        using Tensor state = ones([1, 1, 2]), vector = tensor([1.0, 2.0]);
        foreach (bool trains in new[] { false, true })
        {
            constant.Trains = trains;
            CollectionAssert.AreEqual(new double[2], Values(JacobianProduct.Of(constant, state, vector)));
            CollectionAssert.AreEqual(new double[2], Values(JacobianProduct.OfTransposed(constant, state, vector)));
        }
    }

    /// <summary>Depends on a parameter alone, or on nothing.</summary>
    private sealed class Constant() : nn.Module<Tensor, Tensor>(nameof(Constant))
    {
        public bool Trains { get; set; }

        public override Tensor forward(Tensor input) => ones_like(input).requires_grad_(Trains) * 2;
    }
}
