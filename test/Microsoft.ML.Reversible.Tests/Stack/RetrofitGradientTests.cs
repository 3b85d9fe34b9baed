using Microsoft.ML.Reversible.Language;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Stack;

/// <summary>Tests that the schemes for trained residual networks give the same bits in all backward modes in exact arithmetic.</summary>
[TestClass]
public sealed class RetrofitGradientTests
{
    public static IEnumerable<object[]> Cases =>
        from scheme in (IEnumerable<Scheme>)
        [
            Bdia.Blend(2), Bdia.Blend(16), Bdia.Blend(64),
            .. from a in new[] { 1, -1, 0.5, -0.5 } from m in new[] { 1, 2, 3 } select new IteratedInverse { A = a, M = m },
        ]
        from shape in new LanguageModelConfiguration[] { TestModels.Small, TestModels.SmallLlama }
        select new object[] { scheme, shape with { LayerCount = 6 } };

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void GradientsOfAllBackwardModesAreTheSameBits(Scheme scheme, LanguageModelConfiguration shape)
    {
        using var scope = NewDisposeScope();
        Tensor ids = TestModels.Ids(shape, 2, 16), targets = TestModels.Ids(shape, 2, 16, seed: 6).flatten();
        using LanguageNetwork stored = Differentiated(BackwardMode.Stored);
        foreach (BackwardMode backwardMode in new[] { BackwardMode.Checkpointed, BackwardMode.Reversible })
        {
            using LanguageNetwork other = Differentiated(backwardMode);
            foreach (var ((name, expected), (_, actual)) in stored.named_parameters().Zip(other.named_parameters()))
            {
                Assert.IsGreaterThan(0.0, expected.grad!.abs().sum().ToDouble(), name);
                Assert.IsTrue(TestModels.SameBits(expected.grad!, actual.grad!), $"{backwardMode}: {name}");
            }
        }

        LanguageNetwork Differentiated(BackwardMode backwardMode)
        {
            LanguageNetwork model = TestModels.Make(shape, scheme, backwardMode, arithmetic: Arithmetic.Exact);
            foreach (Tensor parameter in model.parameters().Where(p => p.dim() == 2)) parameter.detach().mul_(4);
            LanguageModelLoss.Differentiate(model, ids, targets, new(1.0 / 32, 1));
            return model;
        }
    }

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void SoIsTheGradientOfTheInput(Scheme scheme, LanguageModelConfiguration shape)
    {
        using var scope = NewDisposeScope();
        using LanguageNetwork model = TestModels.Make(shape, Scheme.Residual, BackwardMode.Stored);
        Tensor input = model.Embed(TestModels.Ids(shape, 2, 16)).detach() * 50, gradient = input.flip(1);
        Tensor[] toInput = [.. Enum.GetValues<BackwardMode>().Select(backwardMode =>
        {
            using StackPass pass = new LayerStack(scheme, model.Stack.Blocks, backwardMode, Arithmetic.Exact).Forward(input);
            return pass.Backward(gradient);
        })];
        Assert.IsFalse(TestModels.SameBits(gradient, toInput[0]));
        foreach (Tensor other in toInput[1..]) Assert.IsTrue(TestModels.SameBits(toInput[0], other));
    }
}
