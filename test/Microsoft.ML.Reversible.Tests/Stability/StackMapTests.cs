using MathNet.Numerics.LinearAlgebra;
using Microsoft.ML.Reversible.Stability;
using Microsoft.ML.Reversible.Tests.Stack;
using TorchSharp;
using static TorchSharp.torch;
using Block = TorchSharp.torch.nn.Module<TorchSharp.torch.Tensor, TorchSharp.torch.Tensor>;

namespace Microsoft.ML.Reversible.Tests.Stability;

/// <summary>The whole stack's map and its largest singular value, against dense matrices of each function's differences.</summary>
[TestClass]
public sealed class StackMapTests
{
    private const int Seed = 4, Width = 3, Size = 2 * Width;

    private static readonly MatrixBuilder<double> Dense = Matrix<double>.Build;

    public static IEnumerable<object[]> Schemes => new Scheme[]
    {
        new Midpoint(0.3),
        new Leapfrog(0.7),
        new Leapfrog(0.7) { Start = Start.Euler },
        new MidpointA { StepSize = 0.6, Factors = [1.4, -0.7, 0.6, -1.3] },
        Scheme.Hamiltonian,
        Scheme.Bdia,
        new Bdia { Signs = BdiaSigns.Negative, K = 4 },
        Reversible.Bdia.Blend(2),
        new IteratedInverse { A = 0.5 },
        new IteratedInverse { A = -1, M = 2 },
        Scheme.Residual,
    }.Select(scheme => new object[] { scheme });

    private static LayerStack Make(Scheme scheme)
    {
        using var random = new Generator(9);
        TanhBlock[] blocks = [.. Enumerable.Range(0, 4).Select(_ => new TanhBlock(Width, 0.5, random, ScalarType.Float64))];
        return new LayerStack(scheme, blocks, BackwardMode.Stored);
    }

    private static Tensor Input()
    {
        using var random = new Generator(11);
        return randn([1, 2, Width], dtype: ScalarType.Float64, generator: random);
    }

    private static IReadOnlyList<Recurrence> Steps(LayerStack stack) =>
        LayerRecurrence.Draw(stack.Scheme, stack.Blocks.Count, new Random(Seed));

    /// <summary>The matrix of layer l on (p, p⁻), at the states that the recurrence leads to.</summary>
    private static Matrix<double>[] Layers(LayerStack stack, Tensor input)
    {
        using var noGraph = no_grad();
        Tensor previous = input, current = input;
        List<Matrix<double>> layers = [];
        foreach ((Block f, Recurrence step) in stack.Blocks.Zip(Steps(stack)))
        {
            var layer = Dense.Dense(2 * Size, 2 * Size);
            layer.SetSubMatrix(0, 0, Dense.DenseIdentity(Size) * step.B + Differences(f, current) * step.C);
            layer.SetSubMatrix(0, Size, Dense.DenseIdentity(Size) * step.A);
            layer.SetSubMatrix(Size, 0, Dense.DenseIdentity(Size));
            layers.Add(layer);
            (previous, current) = (current, previous * step.A + current * step.B + f.call(current) * step.C);
        }
        return [.. layers];
    }

    private static Matrix<double> Differences(Block f, Tensor state)
    {
        const double step = 1e-5;
        return Dense.DenseOfColumnVectors(Enumerable.Range(0, Size).Select(i =>
        {
            Tensor move = zeros_like(state);
            move.view(-1)[i] = step;
            Tensor difference = (f.call(state + move) - f.call(state - move)) / (2 * step);
            return MathNet.Numerics.LinearAlgebra.Vector<double>.Build.DenseOfArray(difference.flatten().data<double>().ToArray());
        }));
    }

    /// <summary>T, and T⁻¹ where there is one; of a residual network the derivative of p₀ ↦ p_L.</summary>
    private static (Matrix<double> Forward, Matrix<double>? Inverse) Expected(LayerStack stack, Tensor input)
    {
        Matrix<double>[] layers = Layers(stack, input);
        Matrix<double> product = layers.Aggregate((done, layer) => layer * done);
        if (stack.Scheme is Residual) return (product.SubMatrix(0, Size, 0, Size), null);
        return (product, layers.Skip(stack.Scheme.Start == Start.Euler ? 1 : 0).Aggregate((done, layer) => layer * done).Inverse());
    }

    private static Matrix<double> Columns(Func<Tensor, Tensor> apply, int size) =>
        Dense.DenseOfColumnVectors(Enumerable.Range(0, size).Select(i =>
        {
            Tensor unit = zeros([2 * Size], dtype: ScalarType.Float64);
            unit[i] = 1;
            double[] column = apply(unit).data<double>().ToArray();
            Assert.IsTrue(column.Skip(size).All(value => value == 0));
            return MathNet.Numerics.LinearAlgebra.Vector<double>.Build.DenseOfArray(column[..size]);
        }));

    private static void AssertSame(Matrix<double> expected, Matrix<double> actual) =>
        Assert.IsLessThan(1e-8 * expected.FrobeniusNorm(), (expected - actual).FrobeniusNorm());

    [TestMethod]
    [DynamicData(nameof(Schemes))]
    public void TheProductsAreThoseOfTheDenseMatrices(Scheme scheme)
    {
        using var scope = NewDisposeScope();
        LayerStack stack = Make(scheme);
        Tensor input = Input();
        var trajectory = new Trajectory(stack.Blocks, Steps(stack), input);
        var map = new StackMap(stack.Blocks, Steps(stack), l => trajectory[l]);
        (Matrix<double> forward, Matrix<double>? inverse) = Expected(stack, input);
        AssertSame(forward, Columns(map.Forward, forward.ColumnCount));
        AssertSame(forward.Transpose(), Columns(map.ForwardTransposed, forward.ColumnCount));
        Assert.AreEqual(inverse is not null, map.HasInverse);
        if (inverse is null) return;
        AssertSame(inverse, Columns(map.Inverse, 2 * Size));
        AssertSame(inverse.Transpose(), Columns(map.InverseTransposed, 2 * Size));
    }

    [TestMethod]
    [DynamicData(nameof(Schemes))]
    public void TheReportHasTheLargestSingularValuesOfTheDenseMatrices(Scheme scheme)
    {
        using var scope = NewDisposeScope();
        LayerStack stack = Make(scheme);
        StackAmplification found = new StabilityAnalysis(stack, krylovDimension: 40, Seed).Run([Input()]).Stack;
        (Matrix<double> forward, Matrix<double>? inverse) = Expected(stack, Input());
        double expected = forward.Svd().S[0];
        Assert.AreEqual(expected, found.Forward, 1e-6 * expected);
        Assert.AreEqual(inverse?.Svd().S[0] ?? 0, found.Backward ?? 0, 1e-6 * (found.Backward ?? 1));
        Assert.AreEqual(inverse is null, found.Backward is null);

        StackAmplification early = new StabilityAnalysis(stack, krylovDimension: 2, Seed).Run([Input()]).Stack;
        Assert.IsLessThanOrEqualTo(expected * (1 + 1e-9), early.Forward);
        Assert.IsGreaterThan(0.2 * expected, early.Forward);
    }

    [TestMethod]
    public void TheForwardMapIsTheDerivativeOfWhatTheStackComputes()
    {
        Scheme[] schemes = [new Midpoint(0.3), new Leapfrog(0.7) { Start = Start.Euler }, Scheme.Hamiltonian, Scheme.Residual];
        foreach (Scheme scheme in schemes)
        {
            using var scope = NewDisposeScope();
            using var noGraph = no_grad();
            LayerStack stack = Make(scheme);
            Tensor input = Input(), move = randn_like(input);
            var trajectory = new Trajectory(stack.Blocks, Steps(stack), input);
            Tensor found = new StackMap(stack.Blocks, Steps(stack), l => trajectory[l]).Forward(cat([move.flatten(), move.flatten()]));
            const double step = 1e-5;
            Tensor difference = (stack.Evaluate(input + move * step) - stack.Evaluate(input - move * step)) / (2 * step);
            Assert.IsLessThan(1e-8, TestModels.RelativeError(found.narrow(0, 0, Size).view(1, 2, Width), difference), scheme.ToString());
        }
    }

    [TestMethod]
    [DataRow(ModelFamily.Gpt2)]
    [DataRow(ModelFamily.Llama)]
    public void OverATrainedModelTheFourProductsAreTransposesAndInversesOfEachOther(ModelFamily family)
    {
        using ReversibleLmTransformer model = Corpus.Train(new MLContext(seed: 1), o => (o.Family, o.Scheme) = (family, new Leapfrog(0.5)));
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        LayerStack stack = model.Network.Stack;
        Tensor input = model.Network.Embed(tensor(new long[] { 116, 104, 101, 32, 102 }, [1, 5]));
        var trajectory = new Trajectory(stack.Blocks, Steps(stack), input);
        var map = new StackMap(stack.Blocks, Steps(stack), l => trajectory[l]);
        using var random = new Generator(3);
        Tensor v = randn([map.Size], dtype: ScalarType.Float64, generator: random), u = randn_like(v);
        Tensor forward = map.Forward(v), inverse = map.Inverse(v);
        Assert.IsLessThan(1e-4, TestModels.RelativeError(map.Inverse(forward), v));
        AssertTransposes(forward, map.ForwardTransposed(u));
        AssertTransposes(inverse, map.InverseTransposed(u));

        void AssertTransposes(Tensor product, Tensor transposed) => Assert.AreEqual(
            product.dot(u).item<double>(), transposed.dot(v).item<double>(), 1e-5 * (product.norm() * u.norm()).item<double>());
    }

    [TestMethod]
    public void ALayerThatCannotBeRunBackwardsEndsTheInverse()
    {
        bool HasInverse(params double[] factors) =>
            new StackMap([], [.. factors.Select(a => new Recurrence(a, 1, 1))], _ => throw new InvalidOperationException()).HasInverse;
        Assert.IsTrue(HasInverse(1, 2));
        Assert.IsTrue(HasInverse(0, 1, 2));
        Assert.IsFalse(HasInverse(1, 0, 2));
        Assert.IsFalse(HasInverse(0));
        Assert.IsFalse(HasInverse(1, 0));
    }
}
