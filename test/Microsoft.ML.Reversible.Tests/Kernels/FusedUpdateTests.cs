using Microsoft.ML.Reversible.Kernels;
using Microsoft.ML.Reversible.Schemes;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Kernels;

/// <summary>Tests that a fused step gives the bits of the separate operations, at the first calls and once it is compiled.</summary>
[TestClass]
public sealed class FusedUpdateTests
{
    private const int Calls = 6;

    public static IEnumerable<object[]> Factors => [[1.0], [-1.0], [0.25], [1.7689]];

    [TestMethod]
    [DynamicData(nameof(Factors))]
    public void AnExactStepHasTheBitsOfTheOperations(double factor) => CompareAdditions(factor, CPU);

    [TestMethod]
    [TestCategory("Cuda")]
    [DynamicData(nameof(Factors))]
    public void AnExactStepHasTheBitsOfTheOperationsOnCuda(double factor) => CompareAdditions(factor, TestModels.RequireCuda());

    [TestMethod]
    [DataRow(2, true)]
    [DataRow(16, false)]
    [DataRow(64, true)]
    public void AStepOfBdiaHasTheBitsOfTheOperations(int k, bool random) => CompareBlends(k, random, CPU);

    [TestMethod]
    [TestCategory("Cuda")]
    [DataRow(2, true)]
    [DataRow(16, false)]
    [DataRow(64, true)]
    public void AStepOfBdiaHasTheBitsOfTheOperationsOnCuda(int k, bool random) => CompareBlends(k, random, TestModels.RequireCuda());

    [TestMethod]
    public void AFloatStepIsTheSum()
    {
        using var scope = NewDisposeScope();
        using var fused = new FusedUpdate(grid: null);
        Tensor state = randn([2, 3, 8]), f = randn([2, 3, 8]).to(ScalarType.BFloat16);
        Tensor sum = fused.TryAdd(state, f, 0.5)!;
        Assert.IsLessThan(1e-6, TestModels.RelativeError(sum, state + f.to(ScalarType.Float32) * 0.5));
        Assert.IsTrue(TestModels.SameBits(sum.to(ScalarType.BFloat16), fused.TakeRead(sum)!));
        Assert.IsNull(fused.TakeRead(sum), "a copy is taken once");
    }

    [TestMethod]
    public void OnlyBFloat16BlocksOnCudaAreServed()
    {
        Assert.IsNull(FusedUpdate.For(CPU, ScalarType.BFloat16, ScalarType.Float32, null));
        Assert.IsNull(FusedUpdate.For(new Device("cuda"), ScalarType.Float32, ScalarType.Float32, null));
    }

    private static void CompareAdditions(double factor, Device device)
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(2);
        using var grid = new Grid(Grid.DefaultFractionBits, device);
        using var fused = new FusedUpdate(grid);
        using var plain = new Layer(3, grid, keeps: false);
        for (int call = 0; call < Calls; call++)
        {
            (Tensor state, Tensor f) = (grid.Round(Draw(5, random, device)), Draw(0.01 * call, random, device).to(ScalarType.BFloat16));
            Tensor sum = fused.TryAdd(state, f, factor)!;
            Assert.IsTrue(TestModels.SameBits(plain.Add(state, f, factor), sum), $"call {call}");
            Assert.IsTrue(TestModels.SameBits(sum.to(ScalarType.BFloat16), fused.TakeRead(sum)!), $"copy of call {call}");
            Assert.IsTrue(TestModels.SameBits(state, fused.TryAdd(sum, f, -factor)!), $"back in call {call}");
        }
    }

    private static void CompareBlends(int k, bool random, Device device)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(2);
        using var grid = new Grid(Grid.DefaultFractionBits, device);
        using var fused = new FusedUpdate(grid);
        Scheme scheme = new Bdia { K = k, Bits = Grid.DefaultFractionBits, Signs = random ? BdiaSigns.Random : BdiaSigns.Negative };
        Tensor gamma = scheme.Draw(3, 2, 1, device)!(2);
        for (int call = 0; call < Calls; call++)
        {
            using var plain = new Layer(3, grid, keeps: true) { Drawn = gamma.clone().DetachFromDisposeScope() };
            using var quick = new Layer(3, grid, keeps: true) { Drawn = gamma.clone().DetachFromDisposeScope(), Fused = fused };
            Tensor previous = grid.Round(Draw(5, generator, device)), current = grid.Round(Draw(5, generator, device));
            Tensor f = Draw(0.01 * call, generator, device).to(ScalarType.BFloat16);
            Tensor next = scheme.Forward(plain, previous, current, f);
            Assert.IsTrue(TestModels.SameBits(next, scheme.Forward(quick, previous, current, f)), $"call {call}");
            Assert.AreEqual(plain.Remainders!.ByteCount, quick.Remainders!.ByteCount);
            Assert.IsTrue(TestModels.SameBits(previous, scheme.Inverse(quick, current, next, f)), $"back in call {call}");
            Assert.IsTrue(TestModels.SameBits(previous, scheme.Inverse(plain, current, next, f)), $"back one by one in call {call}");

            Tensor gradient = Draw(1, generator, device), known = Draw(1, generator, device);
            (Tensor? ofPrevious, Tensor? ofCurrent) = scheme.Adjoint(plain, gradient.clone(), known.clone());
            (Tensor? fusedPrevious, Tensor? fusedCurrent) = scheme.Adjoint(quick, gradient.clone(), known.clone());
            Assert.IsTrue(TestModels.SameBits(ofPrevious!, fusedPrevious!), $"gradient of p⁻ in call {call}");
            Assert.IsTrue(TestModels.SameBits(ofCurrent!, fusedCurrent!), $"gradient of p in call {call}");
            Tensor ofF = scheme.AdjointOfF(plain, gradient).to(ScalarType.BFloat16);
            Assert.IsTrue(TestModels.SameBits(ofF, scheme.AdjointOfF(quick, gradient)), $"gradient of f in call {call}");
        }
    }

    private static Tensor Draw(double deviation, Generator random, Device device) =>
        (randn([2, 3, 40], generator: random) * deviation).to(device);
}
