using Microsoft.ML.Reversible.Stack;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Stack;

/// <summary>Tests what a pass drops, apart from any model.</summary>
[TestClass]
public sealed class DropoutTests
{
    private static readonly PassSettings Settings = new(Seed: 7, Dropout: new DropoutRates(0.25, 0.25, 0.25));

    [TestMethod]
    public void WhatIsKeptIsScaledAndTheRateIsRight()
    {
        using var scope = NewDisposeScope();
        Tensor x = ones(40, 50, 64), dropped = Drop(x, Settings, layer: 2), kept = dropped.ne(0);
        Assert.IsTrue(dropped.masked_select(kept).eq(4f / 3).all().item<bool>());
        // Six standard deviations of the mean of as many independent numbers.
        Assert.AreEqual(0.75, kept.to(ScalarType.Float64).mean().ToDouble(), 6 * Math.Sqrt(0.25 * 0.75 / x.numel()));
    }

    [TestMethod]
    public void GradientsPassWhereNumbersAreKept()
    {
        using var scope = NewDisposeScope();
        Tensor x = ones(3, 5, 8).requires_grad_(), dropped = Drop(x, Settings, layer: 0);
        dropped.sum().backward();
        Assert.IsTrue(TestModels.SameBits(dropped, x.grad!));
    }

    [TestMethod]
    public void SeedLayerAndDrawEachDecideTheMask()
    {
        using var scope = NewDisposeScope();
        Tensor x = ones(2, 9, 16);
        using PartContext part = Part(x, Settings, new(0, 2));
        TrainingContext context = part.At(3);
        Tensor[] masks =
        [
            context.DropResidual(x), context.DropResidual(x), part.At(4).DropResidual(x), Drop(x, Settings with { Seed = 8 }, layer: 3),
            PartContext.DropInput(Settings, x),
        ];
        for (int i = 0; i < masks.Length; i++)
        {
            for (int j = 0; j < i; j++) Assert.IsFalse(TestModels.SameBits(masks[i], masks[j]), $"{i} and {j}");
        }
        TrainingContext again = part.At(3);
        Assert.IsTrue(TestModels.SameBits(masks[0], again.DropResidual(x)), "another evaluation of the function");
        Assert.IsTrue(TestModels.SameBits(masks[1], again.DropResidual(x)), "its second draw");
        Assert.IsTrue(TestModels.SameBits(masks[0], ((TrainingContext)part.At(4).OfLayerBefore()).DropResidual(x)), "the layer before");
    }

    [TestMethod]
    public void ASplitOfTheBatchChangesNoMask()
    {
        using var scope = NewDisposeScope();
        Tensor x = ones(5, 6, 16), weights = ones(5, 2, 6, 6);
        Tensor whole = Drop(x, Settings, 1), wholeWeights = DropWeights(new(0, 5));
        foreach (RowRange rows in (RowRange[])[new(0, 2), new(2, 3), new(4, 1)])
        {
            using PartContext part = Part(x, Settings, rows);
            Assert.IsTrue(TestModels.SameBits(rows.Of(whole), part.At(1).DropResidual(rows.Of(x))));
            Tensor input = rows.Of(x).flatten(0, 1);
            Assert.IsTrue(TestModels.SameBits(rows.Of(whole).flatten(0, 1), part.At(1).DropAdapterInput(input)));
            Assert.IsTrue(TestModels.SameBits(rows.Of(wholeWeights), DropWeights(rows)));
        }

        Tensor DropWeights(RowRange rows)
        {
            using PartContext part = Part(x, Settings, rows);
            return part.At(1).DropAttention()!.Single().Of(rows.Of(weights), 0, 0);
        }
    }

    [TestMethod]
    public void DocumentsDrawTheWeightsOfTheirTokens()
    {
        using var scope = NewDisposeScope();
        Tensor x = ones(2, 10, 4);
        PassSettings settings = Settings with { Documents = TokenDocuments.Of([.. Numbers(3, 7), .. Numbers(7, 3)], tokens: 10) };
        using PartContext part = Part(x, settings, new(0, 2)), plain = Part(x, Settings, new(0, 2));
        Tensor[] groups = [.. part.At(1).DropAttention()!.Select((of, i) =>
            of.Of(ones([2, 2, part.Documents!.Groups[i].Tokens, part.Documents.Groups[i].Tokens]), 0, 0))];
        Tensor rows = plain.At(1).DropAttention()!.Single().Of(ones(2, 2, 10, 10), 0, 0);
        // The first document of a row attends to keys from its first token on, as the row does.
        Assert.IsTrue(TestModels.SameBits(rows[1].narrow(1, 0, 7).narrow(2, 0, 7), groups[0][1]));
        Assert.IsTrue(TestModels.SameBits(rows[0].narrow(1, 0, 3).narrow(2, 0, 3), groups[1][0]));
        Assert.IsFalse(TestModels.SameBits(groups[0][0], groups[0][1]));

        static IEnumerable<int> Numbers(int first, int second) => [.. Enumerable.Repeat(1, first), .. Enumerable.Repeat(2, second)];
    }

    [TestMethod]
    public void WithoutARateNothingIsDrawn()
    {
        using var scope = NewDisposeScope();
        Tensor x = ones(2, 3, 4);
        Assert.IsNull(PartContext.For(new PassSettings(Seed: 5), x, new(0, 2)));
        Assert.AreSame(x, PartContext.DropInput(new PassSettings(Dropout: new(Attention: 0.5)), x));
        using PartContext part = Part(x, new PassSettings(Dropout: new(Adapter: 0.5)), new(0, 2));
        Assert.AreSame(x, part.At(0).DropResidual(x));
        Assert.IsNull(part.At(0).DropAttention());
    }

    [TestMethod]
    [TestCategory("Cuda")]
    public void MasksOnCudaAreThoseOfTheCpu()
    {
        Device device = TestModels.RequireCuda();
        using var scope = NewDisposeScope();
        Tensor x = ones(4, 30, 96);
        for (int layer = 0; layer < 6; layer++)
        {
            Assert.IsTrue(TestModels.SameBits(Drop(x, Settings, layer), Drop(x.to(device), Settings, layer)));
            Assert.IsTrue(TestModels.SameBits(
                Drop(x.to(ScalarType.BFloat16), Settings, layer), Drop(x.to(ScalarType.BFloat16).to(device), Settings, layer)));
        }
    }

    private static PartContext Part(Tensor x, PassSettings settings, RowRange rows) => PartContext.For(settings, x, rows)!;

    private static Tensor Drop(Tensor x, PassSettings settings, int layer)
    {
        using PartContext part = Part(x, settings, new(0, x.shape[0]));
        return part.At(layer).DropResidual(x);
    }
}
