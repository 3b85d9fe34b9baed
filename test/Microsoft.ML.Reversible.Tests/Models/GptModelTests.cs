using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Models;

[TestClass]
public sealed class GptModelTests
{
    [TestMethod]
    [DataRow(Activation.Gelu)]
    [DataRow(Activation.GeluTanh)]
    [DataRow(Activation.Relu)]
    public void LogitsEqualThoseOfPlainLoopsInFloat64(Activation activation)
    {
        using var scope = NewDisposeScope();
        GptConfiguration configuration = TestModels.Small with { Activation = activation };
        using LanguageNetwork model = TestModels.Make(configuration, Scheme.Residual, BackwardMode.Stored);
        foreach (var parameter in model.parameters()) Perturb(parameter);
        Tensor ids = TestModels.Ids(configuration, 1, 9);
        float[] actual = model.forward(ids).data<float>().ToArray();
        double[] expected = new PlainGpt(model).Logits(ids.data<long>().ToArray());
        for (int i = 0; i < actual.Length; i++) Assert.AreEqual(expected[i], actual[i], 1e-4, $"logit {i}");
    }

    /// <summary>Sets biases, which start at zero, and norms, which start at one, to other values so that they have an effect.</summary>
    private static void Perturb(Tensor parameter)
    {
        using var noGraph = no_grad();
        using var random = new Generator(9);
        using Tensor noise = randn(parameter.shape, generator: random) * 0.1;
        parameter.add_(noise);
    }

    [TestMethod]
    public void ALaterTokenDoesNotChangeEarlierLogits()
    {
        using var scope = NewDisposeScope();
        using LanguageNetwork model = TestModels.Make(TestModels.Small, Scheme.Midpoint, BackwardMode.Reversible);
        Tensor ids = TestModels.Ids(TestModels.Small, 2, 8), changed = ids.clone();
        changed[.., 7] = (ids[.., 7] + 1) % TestModels.Small.VocabularySize;
        Tensor before = model.forward(ids), after = model.forward(changed);
        Assert.IsLessThan(1e-6, (before.narrow(1, 0, 7) - after.narrow(1, 0, 7)).abs().max().ToDouble());
        Assert.IsGreaterThan(1e-6, (before.narrow(1, 7, 1) - after.narrow(1, 7, 1)).abs().max().ToDouble());
    }

    [TestMethod]
    public void ParameterCountIsTheNumberOfElementsOfTheParameters()
    {
        using LanguageNetwork model = TestModels.Make(TestModels.Small, Scheme.Midpoint, BackwardMode.Reversible);
        Assert.AreEqual(model.parameters().Sum(p => p.numel()), TestModels.Small.ParameterCount);
        Assert.AreEqual(
            124_439_808,
            new GptConfiguration { VocabularySize = 50257, ContextLength = 1024, LayerCount = 12, HeadCount = 12, Width = 768 }
                .ParameterCount);
    }

    [TestMethod]
    public void EveryParameterHasOneNameInFiles()
    {
        using LanguageNetwork model = TestModels.Make(TestModels.Small, Scheme.Midpoint, BackwardMode.Reversible);
        CollectionAssert.AreEquivalent(
            model.parameters().Select(p => p.Handle).ToArray(),
            model.Weights().Select(w => w.Parameter.Handle).ToArray());
        CollectionAssert.AllItemsAreUnique(model.Weights().Select(w => w.Name).ToArray());
    }

    [TestMethod]
    public void OneSeedGivesOneModelAndAnotherAnother()
    {
        using LanguageNetwork a = TestModels.Make(TestModels.Small, Scheme.Midpoint, BackwardMode.Stored, seed: 4);
        using LanguageNetwork b = TestModels.Make(TestModels.Small, Scheme.Midpoint, BackwardMode.Stored, seed: 4);
        using LanguageNetwork c = TestModels.Make(TestModels.Small, Scheme.Midpoint, BackwardMode.Stored, seed: 5);
        Assert.IsTrue(a.parameters().Zip(b.parameters(), TestModels.SameBits).All(same => same));
        Assert.IsFalse(a.parameters().Zip(c.parameters(), TestModels.SameBits).All(same => same));
    }

    [TestMethod]
    public void MoreTokensThanTheContextAreRefused()
    {
        using var scope = NewDisposeScope();
        using LanguageNetwork model = TestModels.Make(TestModels.Small, Scheme.Midpoint, BackwardMode.Stored);
        var e = Assert.ThrowsExactly<ArgumentException>(() => model.forward(TestModels.Ids(TestModels.Small, 1, 17)));
        StringAssert.Contains(e.Message, "16");
    }

    [TestMethod]
    public void BFloat16BlocksKeepFloat32ParametersAndStayNearFloat32()
    {
        using var scope = NewDisposeScope();
        using LanguageNetwork single = TestModels.Make(TestModels.Small, Scheme.Midpoint, BackwardMode.Stored);
        using LanguageNetwork half = TestModels.Make(TestModels.Small, Scheme.Midpoint, BackwardMode.Stored, Precision.BFloat16);
        Assert.IsTrue(half.parameters().All(p => p.dtype == ScalarType.Float32));
        Tensor ids = TestModels.Ids(TestModels.Small, 2, 16);
        Tensor expected = single.forward(ids), actual = half.forward(ids);
        Assert.AreEqual(ScalarType.Float32, actual.dtype);
        Assert.IsLessThan(0.02, TestModels.RelativeError(actual, expected));
    }
}
