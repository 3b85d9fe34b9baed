using Microsoft.ML.Reversible.Language;
using Microsoft.ML.Reversible.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Models;

[TestClass]
public sealed class OrderedAttentionTests
{
    [TestMethod]
    [TestCategory("Cuda")]
    [DataRow(ScalarType.Float32, true, 2e-3)]
    [DataRow(ScalarType.BFloat16, true, 2e-2)]
    [DataRow(ScalarType.Float32, false, 2e-3)]
    public void ValueAndGradientsAreThoseOfTheFormula(ScalarType type, bool causal, double tolerance)
    {
        using var scope = NewDisposeScope();
        Tensor[] inputs = Inputs([3, 2, 70, 32], type), ordered = Ordered(inputs, causal);
        Tensor[] wide = [.. inputs.Select(x => x.to(ScalarType.Float64))];
        Tensor[] leaves = [.. wide[..3].Select(x => x.requires_grad_())];
        Tensor hidden = full([70, 70], double.NegativeInfinity, dtype: ScalarType.Float64, device: CUDA).triu(1);
        Tensor scores = leaves[0].matmul(leaves[1].transpose(2, 3)) / Math.Sqrt(32);
        Tensor weights = (causal ? scores + hidden : scores).softmax(-1);
        Tensor value = weights.matmul(leaves[2]);
        autograd.backward(value, wide[3]);
        foreach (var (actual, expected) in ordered.Zip([value, .. leaves.Select(x => x.grad!)]))
            Assert.IsLessThan(tolerance, TestModels.RelativeError(actual, expected));
    }

    [TestMethod]
    public void HeadsOfAnUnevenSizeAreRefused()
    {
        using Tensor x = zeros(1, 2, 3, 12);
        StringAssert.Contains(
            Assert.ThrowsExactly<NotSupportedException>(() => OrderedAttention.Of(causal: true).Forward([x, x, x])).Message,
            "multiple of 8");
    }

    [TestMethod]
    [TestCategory("Cuda")]
    public void GradientsOfLongWindowsHaveTheSameBitsEveryTime()
    {
        using var scope = NewDisposeScope();
        Tensor[] inputs = Inputs([32, 8, 1024, 64], ScalarType.BFloat16), first = Ordered(inputs);
        for (int call = 0; call < 8; call++)
            Assert.IsTrue(first.Zip(Ordered(inputs)).All(pair => Same(pair.First, pair.Second)), $"call {call}");
    }

    [TestMethod]
    [TestCategory("Cuda")]
    [DataRow(ModelFamily.Gpt2)]
    [DataRow(ModelFamily.Llama)]
    public void ADeterministicModelHasTheSameGradientsInEveryBackwardMode(ModelFamily family)
    {
        Device device = TestModels.RequireCuda();
        LanguageModelConfiguration shape = family == ModelFamily.Llama ? TestModels.SmallLlama : TestModels.Small;
        shape = shape with { LayerCount = 6, HeadCount = 4, Width = 256, ContextLength = 1024 };
        using var scope = NewDisposeScope();
        Tensor ids = TestModels.Ids(shape, 16, 1024).to(device);
        Tensor[] expected = Gradients(BackwardMode.Stored);
        foreach (BackwardMode backwardMode in Enum.GetValues<BackwardMode>())
            Assert.IsTrue(expected.Zip(Gradients(backwardMode)).All(pair => Same(pair.First, pair.Second)), $"{backwardMode}");

        Tensor[] Gradients(BackwardMode backwardMode)
        {
            using LanguageNetwork model = TestModels.Make(
                shape, Scheme.Midpoint, backwardMode, Precision.BFloat16, device, arithmetic: Arithmetic.Exact);
            model.Stack.Deterministic = true;
            LanguageModelLoss.Differentiate(model, ids, ids.flatten(), new(1.0 / ids.numel()));
            return [.. model.parameters().Select(p => p.grad!.clone())];
        }
    }

    private static bool Same(Tensor a, Tensor b) => !a.ne(b).any().item<bool>();

    /// <summary>Returns queries, keys, values, and the gradient of the result, in the layout of the blocks.</summary>
    private static Tensor[] Inputs(long[] shape, ScalarType type)
    {
        Device device = TestModels.RequireCuda();
        using var random = new Generator(3);
        return
        [
            .. Enumerable.Range(0, 4).Select(_ =>
                randn([shape[0], shape[2], shape[1], shape[3]], generator: random).to(type).to(device).transpose(1, 2)),
        ];
    }

    /// <summary>Returns the value, and the gradients of queries, keys and values.</summary>
    private static Tensor[] Ordered(Tensor[] inputs, bool causal = true)
    {
        Tensor[] results = OrderedAttention.Of(causal).Forward(inputs[..3]);
        return [results[0], .. OrderedAttention.Of(causal).Backward(inputs[3], inputs[..3], results)];
    }
}
