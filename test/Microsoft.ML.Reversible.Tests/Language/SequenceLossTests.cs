using Microsoft.ML.Reversible.FineTuning;
using Microsoft.ML.Reversible.Language;
using Microsoft.ML.Reversible.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Language;

/// <summary>Tests losses of whole sequences with that of preferences.</summary>
[TestClass]
public sealed class SequenceLossTests
{
    private const int Rows = 6, Context = 12;
    private static readonly PreferenceLoss Loss = new(Beta: 0.3, LabelSmoothing: 0.1, SftWeight: 0.2);

    public static IEnumerable<object[]> SchemesAndModes =>
        from scheme in (Scheme[])[
            Scheme.Residual, Scheme.Midpoint, Scheme.Leapfrog, Scheme.Hamiltonian, Scheme.MidpointA, Bdia.Blend(16),
            new IteratedInverse { A = 1 }]
        from mode in Enum.GetValues<BackwardMode>()
        where mode != BackwardMode.Reversible || scheme.WhyNotReversible(Arithmetic.Float) is null
        select new object[] { scheme, mode };

    public static IEnumerable<object[]> ExactSchemes =>
        [[Scheme.Midpoint], [Scheme.Leapfrog], [Scheme.Hamiltonian], [Scheme.Bdia], [Bdia.Blend(8)], [Scheme.IteratedInverse]];

    /// <summary>The reference is the whole model in one graph, with the logits of all tokens.</summary>
    [TestMethod]
    [DynamicData(nameof(SchemesAndModes))]
    public void TheGradientsAreThoseOfAutograd(Scheme scheme, BackwardMode mode)
    {
        using var scope = NewDisposeScope();
        using LanguageNetwork model = TestModels.Make(TestModels.Small, scheme, mode);
        // The first pair's answers and the second's lie in different parts.
        model.Stack.Split = _ => [new RowRange(0, 1), new RowRange(1, 2), new RowRange(3, 3)];
        (Tensor ids, Tensor targets, Tensor reference, Tensor counts) = Batch(model);

        Tensor logP = model.forward(ids).flatten(0, 1).to(ScalarType.Float64).log_softmax(1);
        Tensor counted = targets.ne(ChunkedCrossEntropy.Ignored);
        Tensor each = logP.gather(1, targets.clamp(min: 0).unsqueeze(1)).squeeze(1) * counted.to(ScalarType.Float64);
        Tensor rows = each.view(Rows, Context).sum(1);
        Tensor m = Loss.Beta * (rows - reference).view(-1, 2).matmul(tensor(new[] { 1.0, -1.0 }));
        Tensor plain = (-0.9 * m.sigmoid().log() - 0.1 * (1 - m.sigmoid()).log()).sum()
            - 0.2 * (rows / counts).view(-1, 2).select(1, 0).sum();
        (plain / 3).backward();
        Tensor[] expected = [.. model.parameters().Select(weight => weight.grad!.clone())];
        foreach (var weight in model.parameters()) weight.grad!.zero_();

        Tensor loss = SequenceLoss.Differentiate(
            model, ids, targets, new StepContext(1.0 / 3), policy => Loss.Of(policy, reference, counts));
        Assert.AreEqual(plain.ToDouble(), loss.ToDouble(), 1e-5);
        foreach (var (gradient, weight) in expected.Zip(model.parameters()))
            Assert.IsLessThan(2e-4, TestModels.RelativeError(weight.grad!, gradient));
        Assert.IsLessThan(1e-5, TestModels.RelativeError(SequenceLoss.LogLikelihood(model, ids, targets), rows));
    }

    [TestMethod]
    [DynamicData(nameof(ExactSchemes))]
    public void InExactArithmeticAllBackwardModesGiveTheSameBits(Scheme scheme)
    {
        using var scope = NewDisposeScope();
        List<Tensor[]> gradients = [];
        foreach (BackwardMode mode in Enum.GetValues<BackwardMode>())
        {
            using LanguageNetwork model = TestModels.Make(TestModels.Small, scheme, mode, arithmetic: Arithmetic.Exact);
            model.Stack.Split = input => RowRange.Split(input.shape[0], 4);
            (Tensor ids, Tensor targets, Tensor reference, Tensor counts) = Batch(model);
            SequenceLoss.Differentiate(model, ids, targets, new StepContext(1.0 / 3, 7), policy => Loss.Of(policy, reference, counts));
            gradients.Add([.. model.parameters().Select(weight => weight.grad!.clone())]);
        }
        foreach (Tensor[] other in gradients.Skip(1))
            Assert.IsTrue(gradients[0].Zip(other, TestModels.SameBits).All(same => same));
    }

    [TestMethod]
    public void AFailureLeavesNoTensors()
    {
        using var scope = NewDisposeScope();
        using LanguageNetwork model = TestModels.Make(TestModels.Small, Scheme.Midpoint, BackwardMode.Reversible);
        model.Stack.Split = input => RowRange.Split(input.shape[0], 2);
        (Tensor ids, Tensor targets, _, _) = Batch(model);
        long before = TestModels.LiveTensors();
        Assert.ThrowsExactly<TimeZoneNotFoundException>(
            () => SequenceLoss.Differentiate(model, ids, targets, new StepContext(1), _ => throw new TimeZoneNotFoundException()));
        Assert.AreEqual(before, TestModels.LiveTensors());
    }

    /// <summary>Random ids, of which the last of each row are an answer, and a reference.</summary>
    private static (Tensor Ids, Tensor Targets, Tensor Reference, Tensor Counts) Batch(LanguageNetwork model)
    {
        Tensor ids = TestModels.Ids(model.Configuration, Rows, Context), targets = TestModels.Ids(model.Configuration, Rows, Context, 6);
        double[] counts = [2, 5, 12, 1, 7, 7];
        for (int row = 0; row < Rows; row++)
            targets[row].narrow(0, 0, Context - (long)counts[row]).fill_(ChunkedCrossEntropy.Ignored);
        Tensor reference = tensor(counts.Select((count, row) => -count * (2.5 + 0.1 * row)).ToArray());
        return (ids, targets.flatten(), reference, tensor(counts));
    }
}
