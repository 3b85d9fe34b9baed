using Microsoft.ML.Reversible.Models;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using Attention = Microsoft.ML.Reversible.Models.Attention;

namespace Microsoft.ML.Reversible.Tests.Models;

[TestClass]
public sealed class AttentionTests
{
    [TestMethod]
    [DataRow(true)]
    [DataRow(false)]
    public void OnlyWithoutCausalityDoesATokenSeeLaterOnes(bool causal)
    {
        using var scope = NewDisposeScope();
        using var make = new ParameterFactory(CPU, seed: 3);
        using Attention attention = Grouped(make, causal);
        using FlatParameters flat = make.Allocate([attention.parameters()]);
        using var random = new Generator(4);
        Tensor input = randn([2, 5, 16], generator: random), changed = input.clone();
        changed[.., 4] = 1;
        Tensor before = attention.call(input), after = attention.call(changed);
        CollectionAssert.AreEqual(new long[] { 2, 5, 16 }, before.shape);
        Assert.AreEqual(causal, TestModels.SameBits(before.narrow(1, 0, 4), after.narrow(1, 0, 4)));
    }

    /// <summary>Four query heads that share two heads of keys and values are the same as four heads with repeated weights.</summary>
    [TestMethod]
    public void SharedHeadsOfKeysAndValuesAreRepeatedOnes()
    {
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        using var make = new ParameterFactory(CPU, seed: 3);
        using Attention shared = Grouped(make, causal: true);
        using Attention full = new(Linear(make, 48), Linear(make, 16), heads: 4, keyValueHeads: 4, headSize: 4);
        using FlatParameters flat = make.Allocate([shared.parameters(), full.parameters()]);
        Parameter[] from = [.. shared.parameters()], to = [.. full.parameters()];
        Tensor[] parts = from[0].split([16L, 8L, 8L], 0);
        to[0].copy_(cat([parts[0], .. parts[1..].Select(x => x.view(2, 1, 4, 16).expand(2, 2, 4, 16).reshape(16, 16))], 0));
        to[1].copy_(from[1]);
        using var random = new Generator(4);
        Tensor input = randn([2, 5, 16], generator: random);
        Assert.IsLessThan(1e-6, TestModels.RelativeError(shared.call(input), full.call(input)));
    }

    [TestMethod]
    public void AForwardHookOnAMatrixProductReachesTheBlock()
    {
        using var scope = NewDisposeScope();
        using LanguageNetwork model = TestModels.Make(TestModels.SmallLlama, Scheme.Residual, BackwardMode.Stored);
        Tensor ids = TestModels.Ids(TestModels.SmallLlama, 1, 4), before = model.forward(ids);
        foreach (var product in model.Blocks[0].modules().OfType<Microsoft.ML.Reversible.Models.Linear>())
            product.register_forward_hook((_, _, output) => output * 0);
        using LanguageNetwork other = TestModels.Make(TestModels.SmallLlama, Scheme.Residual, BackwardMode.Stored);
        Assert.IsFalse(TestModels.SameBits(before, model.forward(ids)));
        Assert.IsTrue(TestModels.SameBits(before, other.forward(ids)));
    }

    private static Attention Grouped(ParameterFactory make, bool causal) =>
        new(Linear(make, 32), Linear(make, 16), heads: 4, keyValueHeads: 2, headSize: 4, causal: causal);

    private static Microsoft.ML.Reversible.Models.Linear Linear(ParameterFactory make, long outputs) =>
        new(make, ScalarType.Float32, "product", 16, outputs, deviation: 0.5);
}
