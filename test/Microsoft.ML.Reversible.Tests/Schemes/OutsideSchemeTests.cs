using System.Globalization;
using Microsoft.ML.Reversible.Stability;
using Microsoft.ML.Reversible.Tests.Language;
using Microsoft.ML.Reversible.Tests.Repository;
using Microsoft.ML.Reversible.Tests.Storage;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Schemes;

/// <summary>A scheme of another assembly: p⁺ = A p⁻ + (1-A) p + C f(p).</summary>
/// <param name="Weight">A.</param>
/// <param name="StepSize">C.</param>
public sealed record OutsideScheme(double Weight = -0.5, double StepSize = 0.75) : Scheme
{
    public override string Name => "outside";

    public override Coefficients At(int layer) => new(Weight, 1 - Weight, StepSize);

    protected override IEnumerable<string> Parameters =>
        [Weight.ToString("R", CultureInfo.InvariantCulture), StepSize.ToString("R", CultureInfo.InvariantCulture)];

    protected override Scheme With(IReadOnlyList<string> parameters) => new OutsideScheme(
        double.Parse(parameters[0], CultureInfo.InvariantCulture), double.Parse(parameters[1], CultureInfo.InvariantCulture));
}

[TestClass]
public sealed class OutsideSchemeTests
{
    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    [DataRow(-0.5, true, Arithmetic.Exact, 1)]
    [DataRow(0.015625, true, Arithmetic.Exact, 6)]
    [DataRow(1, true, Arithmetic.Float, 0)]
    [DataRow(-1, true, Arithmetic.Float, 0)]
    [DataRow(3, true, Arithmetic.Float, 0)]
    [DataRow(0.3, false, Arithmetic.Float, 0)]
    public void WhatASchemeCanDoFollowsFromItsCoefficients(double weight, bool canBeExact, Arithmetic arithmetic, int bits)
    {
        var scheme = new OutsideScheme(weight);
        Assert.IsTrue(scheme.IsReversible);
        Assert.AreEqual(canBeExact, scheme.CanBeExact);
        Assert.AreEqual(arithmetic, scheme.DefaultArithmetic);
        Assert.AreEqual(bits, scheme.RemainderBitsPerActivation);
        Assert.AreEqual(Math.Abs(weight) < 1, scheme.WhyNotReversible(Arithmetic.Float) is not null);
        Assert.AreEqual(weight == 0.3 ? BackwardMode.Stored : BackwardMode.Reversible, scheme.DefaultBackwardMode(arithmetic));
    }

    [TestMethod]
    public void WithoutAnEarlierHiddenStateThereIsNoInverse()
    {
        var scheme = new OutsideScheme(0);
        Assert.IsFalse(scheme.IsReversible);
        ArgumentException error = Assert.ThrowsExactly<ArgumentException>(() => LayerStack.Check(scheme, BackwardMode.Reversible, default));
        StringAssert.Contains(error.Message, "no inverse");
    }

    [TestMethod]
    [DataRow(-0.5)]
    [DataRow(0.25)]
    [DataRow(1)]
    [DataRow(-1)]
    [DataRow(3)]
    public void ExactArithmeticGivesTheStoredGradientsToTheBit(double weight)
    {
        using var scope = NewDisposeScope();
        Tensor[] stored = Gradients(new OutsideScheme(weight), BackwardMode.Stored);
        Tensor[] rebuilt = Gradients(new OutsideScheme(weight), BackwardMode.Reversible);
        Assert.HasCount(stored.Length, rebuilt);
        for (int i = 0; i < stored.Length; i++) Assert.AreEqual(0L, stored[i].ne(rebuilt[i]).sum().item<long>());
    }

    [TestMethod]
    public void ItIsTrainedSavedAndLoaded()
    {
        Scheme.Register(new OutsideScheme());
        using var folder = new ScratchFolder();
        IDataView texts = _ml.Data.LoadFromEnumerable(
            Enumerable.Range(0, 60).Select(i => new TextRow($"the cat {i % 7} saw the dog {i % 5}")));
        var options = new ReversibleLmTrainer.Options
        {
            Scheme = new OutsideScheme(0.25), LayerCount = 3, HeadCount = 2, Width = 16, ContextLength = 16, BatchSize = 4, MaxSteps = 8,
            WarmupSteps = 2, VocabularySize = 270, Seed = 1,
        };
        using ReversibleLmTransformer model = _ml.Reversible().LanguageModel(options).Fit(texts);
        Assert.AreEqual(BackwardMode.Reversible, model.Network.Stack.BackwardMode);
        Assert.AreEqual(Arithmetic.Exact, model.Network.Stack.Arithmetic);
        model.SavePretrained(folder.File("model"));
        using ReversibleLmTransformer loaded = _ml.Reversible().LoadPretrained(folder.File("model"));
        Assert.AreEqual(new OutsideScheme(0.25), loaded.Scheme);
        Assert.AreEqual(model.Generate("the cat"), loaded.Generate("the cat"));
    }

    [TestMethod]
    public void TheSchemeOfThePageIsReversibleAndExact()
    {
        var scheme = new SchemeSnippets.Damped();
        Assert.AreEqual(Arithmetic.Exact, scheme.DefaultArithmetic);
        Assert.AreEqual(BackwardMode.Reversible, scheme.DefaultBackwardMode(Arithmetic.Exact));
        Assert.AreEqual(1, scheme.RemainderBitsPerActivation);
        Assert.AreEqual("damped", scheme.ToString());
    }

    [TestMethod]
    [DataRow(1, "imaginary with absolute value below 2")]
    [DataRow(-0.5, "between -4 and 0")]
    [DataRow(3, "the roots r of r² = (B + Cλ) r + A")]
    public void ItsStabilityFollowsFromItsCoefficients(double weight, string bounded)
    {
        using var scope = NewDisposeScope();
        using LanguageNetwork network = TestModels.Make(TestModels.Small, new OutsideScheme(weight), BackwardMode.Stored);
        StringAssert.Contains(SchemeCondition.Of(network.Stack.Scheme).Bounded, bounded);
    }

    [TestMethod]
    public void AKnownNameIsNotTakenOver()
    {
        Scheme.Register(new OutsideScheme());
        Scheme.Register(new OutsideScheme(0.5));
        Assert.AreEqual(new OutsideScheme(), Scheme.Parse("outside"));
        foreach (string? name in new[] { "outside", "midpoint", "blend", "Midpoint", "", "a:b", null })
            Assert.ThrowsExactly<ArgumentException>(() => Scheme.Register(new Named(name!)), $"{name}");
        Assert.ThrowsExactly<ArgumentNullException>(() => Scheme.Register(null!));
    }

    [TestMethod]
    public void LayersThatDoNotGoTogetherAreRefused()
    {
        double[][] refused =
        [
            [1, 1, 0], [0.5, 1, 1], [1, 0.5, 0.25], [1, double.NaN, 1], [double.NaN, 1, 1], [1, 1, double.PositiveInfinity],
        ];
        foreach (double[] weights in refused)
        {
            ArgumentException error = Assert.ThrowsExactly<ArgumentException>(() =>
                TestModels.Make(TestModels.Small with { LayerCount = 3 }, new Uneven(weights), BackwardMode.Stored));
            StringAssert.Contains(error.Message, "layer");
        }
    }

    [TestMethod]
    public void LayersThatTogetherSpoilWhatFloatArithmeticRebuildsAreNotRunBackwards()
    {
        GptConfiguration shape = TestModels.Small with { LayerCount = 4 };
        Scheme scheme = new Uneven([1.5, 0.03, 0.03, 0.03]);
        var e = Assert.ThrowsExactly<ArgumentException>(() => TestModels.Make(shape, scheme, BackwardMode.Reversible));
        StringAssert.Contains(e.Message, "its 4 layers multiply rounding errors by 3.7E+04");
        TestModels.Make(shape, scheme, BackwardMode.Stored).Dispose();
        TestModels.Make(shape, new Uneven([1.5, 0.3, 0.3, 3]), BackwardMode.Reversible).Dispose();
    }

    [TestMethod]
    public void ANetworkOfOneLayerAsksForItsOwnCoefficientsOnly()
    {
        using LanguageNetwork network = TestModels.Make(
            TestModels.Small with { LayerCount = 1 }, new Uneven([0.5]), BackwardMode.Reversible, arithmetic: Arithmetic.Exact);
        Assert.IsTrue(network.Stack.Scheme.IsReversible);
    }

    [TestMethod]
    public void ASchemeThatWouldBeLoadedAsAnotherIsNotSaved()
    {
        using var folder = new ScratchFolder();
        Scheme.Register(new Silent());
        foreach (Scheme scheme in new Scheme[] { new Named("midpoint"), new Named("never-registered"), new Silent { Weight = 0.25 } })
        {
            var options = new ReversibleLmTrainer.Options { Scheme = scheme, CheckpointFolder = folder.File("run") };
            var e = Assert.ThrowsExactly<InvalidOperationException>(() => _ml.Reversible().LanguageModel(options));
            StringAssert.Contains(e.Message, "Scheme.Register");
            using LanguageNetwork network = TestModels.Make(TestModels.Small, scheme, BackwardMode.Stored);
            Assert.ThrowsExactly<InvalidOperationException>(() => TestFolders.Save(network, folder.File("model")));
            Assert.IsFalse(Directory.Exists(folder.File("model")));
        }
        Assert.ThrowsExactly<ArgumentException>(
            () => _ml.Reversible().LanguageModel(new ReversibleLmTrainer.Options { Scheme = new Named("Bad Name:x") }));
    }

    private static Tensor[] Gradients(Scheme scheme, BackwardMode backwardMode)
    {
        using LanguageNetwork network =
            TestModels.Make(TestModels.Small with { LayerCount = 5 }, scheme, backwardMode, arithmetic: Arithmetic.Exact);
        using var random = new Generator(3);
        Tensor input = randn([2, 6, network.Configuration.Width], generator: random), gradient = input.neg();
        using StackPass pass = network.Stack.Forward(input);
        Tensor ofInput = pass.Backward(gradient);
        return [ofInput, .. network.Blocks.SelectMany(block => block.parameters()).Select(p => p.grad!.clone())];
    }

    private sealed record TextRow(string Text);

    private sealed record Named(string Given) : Scheme
    {
        public override string Name => Given;

        public override Coefficients At(int layer) => new(1, 0, 1);
    }

    /// <summary>A scheme that does not write its parameter.</summary>
    private sealed record Silent : Scheme
    {
        public double Weight { get; init; } = 0.5;

        public override string Name => "silent";

        public override Coefficients At(int layer) => new(Weight, 1 - Weight, 1);
    }

    private sealed record Uneven(double[] Weights) : Scheme
    {
        public override string Name => "uneven";

        public override Coefficients At(int layer) => new(Weights[layer], 0, 1);
    }
}
