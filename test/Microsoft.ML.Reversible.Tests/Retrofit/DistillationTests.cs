using Microsoft.ML.Reversible.Data;
using Microsoft.ML.Reversible.Language;
using Microsoft.ML.Reversible.Retrofit;
using Microsoft.ML.Reversible.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Retrofit;

[TestClass]
public sealed class DistillationTests
{
    private const int Rows = 3, Context = 16;
    private const double Scale = 1.0 / 40;
    private static readonly LayerPair[] _map = [new(0, 0), new(1, 2), new(4, 2), new(2, 1), new(4, 3)];

    public static IEnumerable<object[]> Students =>
        from llama in new[] { false, true }
        from scheme in new Scheme[] { Scheme.Residual, Scheme.Midpoint, Scheme.Leapfrog, new Midpoint { ReadOut = ReadOut.Mean } }
        from backwardMode in Enum.GetValues<BackwardMode>()
        where scheme.IsReversible || backwardMode != BackwardMode.Reversible
        select new object[] { llama, scheme, backwardMode };

    [TestMethod]
    [DynamicData(nameof(Students))]
    public void GradientsAreThoseOfAutomaticDifferentiationThroughPlainModules(bool llama, Scheme scheme, BackwardMode backwardMode)
    {
        using var scope = NewDisposeScope();
        LanguageModelConfiguration shape = llama ? TestModels.SmallLlama : TestModels.Small;
        using LanguageNetwork teacher = Teacher(shape), student = TestModels.Make(shape, scheme, backwardMode, seed: 2);
        var loss = new DistillationLoss(Divergence.JensenShannon, 2, 0.3, 0.4);
        (Tensor ids, Tensor targets) = Batch(shape).ToTensors(CPU);
        Tensor expected = Plain(teacher, student, ids, targets, loss, hiddenStateWeight: 0.7);
        (expected * Scale).backward();
        Dictionary<string, Tensor> gradients = Gradients(student);
        student.zero_grad();

        Tensor sum = Distillations.Of(teacher, student, loss, 0.7, _map).Differentiate(Batch(shape), new(Scale, Seed: 3));
        Assert.AreEqual(expected.ToDouble(), sum.ToDouble(), 1e-5 * expected.ToDouble());
        foreach (var (name, gradient) in Gradients(student))
            Assert.IsLessThan(1e-4, TestModels.RelativeError(gradient, gradients[name]), name);
    }

    public static IEnumerable<object[]> ExactSchemes => new Scheme[]
    {
        new Midpoint(), new Leapfrog(), new Hamiltonian(), new Bdia(), new Midpoint { Start = Start.Euler, ReadOut = ReadOut.Mean },
        new Bdia { K = 2, Signs = BdiaSigns.Positive }, new Bdia { K = 16, Signs = BdiaSigns.Positive },
        new Bdia { K = 64, Signs = BdiaSigns.Positive, Bits = 20 },
        new IteratedInverse { A = 1 }, new IteratedInverse { A = -1 }, new IteratedInverse { A = 0.5 },
        new IteratedInverse { A = -0.5, M = 2 },
    }.Select(scheme => new object[] { scheme });

    [TestMethod]
    [DynamicData(nameof(ExactSchemes))]
    public void InExactArithmeticAllBackwardModesGiveTheSameBits(Scheme scheme)
    {
        foreach (int depth in new[] { 3, 12 })
        {
            using var scope = NewDisposeScope();
            GptConfiguration shape = TestModels.Small with { LayerCount = depth };
            using LanguageNetwork teacher = Teacher(shape);
            LayerPair[] map = [.. _map, new(depth, depth)];
            (Tensor expected, Dictionary<string, Tensor> gradients) = Run(BackwardMode.Stored);
            foreach (BackwardMode backwardMode in new[] { BackwardMode.Checkpointed, BackwardMode.Reversible })
            {
                (Tensor actual, Dictionary<string, Tensor> others) = Run(backwardMode);
                Assert.IsTrue(TestModels.SameBits(expected, actual), "the loss");
                foreach (var (name, gradient) in gradients)
                    Assert.IsTrue(TestModels.SameBits(gradient, others[name]), $"{scheme}, {depth} layers, {backwardMode}: {name}");
            }

            (Tensor Loss, Dictionary<string, Tensor> Gradients) Run(BackwardMode backwardMode)
            {
                using LanguageNetwork student = TestModels.Make(shape, scheme, backwardMode, seed: 2, arithmetic: Arithmetic.Exact);
                Tensor loss = Distillations.Of(teacher, student, new DistillationLoss(CrossEntropyWeight: 0.2), 0.5, map)
                    .Differentiate(Batch(shape), new(Scale, Seed: 3));
                return (loss, Gradients(student));
            }
        }
    }

    [TestMethod]
    public void ATeacherOfItselfChargesNothingAndItsWeightsStay()
    {
        using var scope = NewDisposeScope();
        using LanguageNetwork teacher = Teacher(TestModels.Small), student = Teacher(TestModels.Small);
        string before = WeightHash.Of(teacher);
        DistillationTask task = Distillations.Of(teacher, student, new DistillationLoss(), 1, [new(0, 0), new(4, 4)]);
        Tensor sum = task.Differentiate(Batch(TestModels.Small), new(Scale));
        Assert.AreEqual(0.0, sum.ToDouble());
        foreach (var (name, gradient) in Gradients(student)) Assert.AreEqual(0.0, gradient.abs().max().ToDouble(), name);
        Assert.IsTrue(teacher.parameters().All(p => p.grad is null));
        Assert.AreEqual(before, WeightHash.Of(teacher));
    }

    [TestMethod]
    public void ATeacherInBFloat16TeachesAboutTheSame()
    {
        using var scope = NewDisposeScope();
        using LanguageNetwork teacher = Teacher(TestModels.Small);
        using LanguageNetwork student = TestModels.Make(TestModels.Small, Scheme.Midpoint, BackwardMode.Stored, seed: 2);
        using LanguageNetwork narrow = TestModels.Make(Deep(TestModels.Small), Scheme.Residual, BackwardMode.Stored, Precision.BFloat16);
        double expected = Loss(teacher), actual = Loss(narrow);
        Assert.AreEqual(expected, actual, 0.05 * expected);
        Assert.AreNotEqual(expected, actual);

        double Loss(LanguageNetwork of) => Distillations.Of(of, student, new DistillationLoss(), 0.5, _map)
            .Differentiate(Batch(TestModels.Small), new(Scale)).ToDouble();
    }

    [TestMethod]
    public void FrozenLayersTakeNoGradientAndTheOthersTheSame()
    {
        using var scope = NewDisposeScope();
        using LanguageNetwork teacher = Teacher(TestModels.Small);
        using LanguageNetwork whole = TestModels.Make(TestModels.Small, Scheme.Midpoint, BackwardMode.Reversible, seed: 2);
        using LanguageNetwork frozen = TestModels.Make(TestModels.Small, Scheme.Midpoint, BackwardMode.Reversible, seed: 2);
        using (new FrozenWeights(frozen, embedding: true, layers: 2))
        {
            foreach (LanguageNetwork student in new[] { whole, frozen })
                Distillations.Of(teacher, student, new DistillationLoss(), 0.5, _map).Differentiate(Batch(TestModels.Small), new(Scale));
        }
        foreach (var (expected, actual) in whole.parameters().Zip(frozen.parameters()).Where(pair => pair.Second.grad is not null))
            Assert.IsTrue(TestModels.SameBits(expected.grad!, actual.grad!));
        Assert.AreEqual(
            frozen.Blocks[2].parameters().Count() + 2, frozen.parameters().Count(p => p.grad is not null), "the last block and the norm");
    }

    [TestMethod]
    public void NoTensorOutlivesAStep()
    {
        using LanguageNetwork teacher = Teacher(TestModels.Small);
        using LanguageNetwork student = TestModels.Make(TestModels.Small, Scheme.Midpoint, BackwardMode.Reversible, seed: 2);
        DistillationTask task = Distillations.Of(teacher, student, new DistillationLoss(CrossEntropyWeight: 0.5), 0.5, _map);
        Run();
        long before = TestModels.LiveTensors();
        for (int i = 0; i < 5; i++) Run();
        Assert.IsLessThanOrEqualTo(before, TestModels.LiveTensors());

        void Run() => task.Differentiate(Batch(TestModels.Small), new(Scale)).Dispose();
    }

    [TestMethod]
    public void TheFingerprintHasAllThatDecidesTheCurve()
    {
        using LanguageNetwork teacher = Teacher(TestModels.Small), same = Teacher(TestModels.Small);
        using LanguageNetwork other = TestModels.Make(Deep(TestModels.Small), Scheme.Residual, BackwardMode.Stored, seed: 9);
        using LanguageNetwork narrow = TestModels.Make(Deep(TestModels.Small), Scheme.Residual, BackwardMode.Stored, Precision.BFloat16);
        using LanguageNetwork reversible = TestModels.Make(Deep(TestModels.Small), Scheme.Midpoint, BackwardMode.Stored);
        Assert.AreEqual(Of(teacher, new()), Of(same, new()));
        string[] all =
        [
            Of(teacher, new()), Of(other, new()), Of(narrow, new()), Of(reversible, new()), Of(teacher, new(Temperature: 2)),
            Of(teacher, new(Divergence.ReverseKl)), Of(teacher, new(CrossEntropyWeight: 0.5)), Of(teacher, new(Divergence.JensenShannon)),
            Of(teacher, new(Divergence.JensenShannon, JensenShannonWeight: 0.1)), Of(teacher, new(), 0.5),
            Of(teacher, new(), 0.5, [new(1, 1)]),
        ];
        CollectionAssert.AllItemsAreUnique(all);

        static string Of(LanguageNetwork teacher, DistillationLoss loss, double weight = 0, LayerPair[]? map = null)
        {
            using LanguageNetwork student = TestModels.Make(Deep(TestModels.Small), Scheme.Midpoint, BackwardMode.Stored);
            using DistillationTask task = Distillations.Of(teacher, student, loss, weight, map ?? _map);
            return string.Join("; ", Fingerprint.Of(Distillations.Options(loss, weight, map), seed: 1).With(task.Fingerprint).Settings);
        }
    }

    [TestMethod]
    [DataRow(Arithmetic.Float)]
    [DataRow(Arithmetic.Exact)]
    public void AnEvaluationHandsOutEveryHiddenStateFromTheInputToTheOutput(Arithmetic arithmetic)
    {
        using var scope = NewDisposeScope();
        using LanguageNetwork model = TestModels.Make(TestModels.Small, Scheme.Hamiltonian, BackwardMode.Stored, arithmetic: arithmetic);
        Tensor embedded = model.Embed(TestModels.Ids(TestModels.Small, 2, Context)).detach();
        List<(int Layer, Tensor State)> states = [];
        Tensor output = model.Stack.Evaluate(
            embedded, context: null, (l, s) => states.Add((l, s.clone().MoveToOtherDisposeScope(embedded))));
        CollectionAssert.AreEqual(Enumerable.Range(0, 7).ToArray(), states.Select(s => s.Layer).ToArray());
        Assert.IsLessThan(1e-6, TestModels.RelativeError(states[0].State, embedded));
        Assert.IsTrue(TestModels.SameBits(states[6].State, output));
    }

    /// <summary>The objective by its definition, on whole logits, which automatic differentiation can follow.</summary>
    private static Tensor Plain(
        LanguageNetwork teacher, LanguageNetwork student, Tensor ids, Tensor targets, DistillationLoss loss, double hiddenStateWeight)
    {
        (Tensor t, List<Tensor> teacherStates) = Run(teacher);
        (Tensor s, List<Tensor> studentStates) = Run(student);
        Tensor counted = targets.ne(TokenBatch.Ignored).to(ScalarType.Float32);
        (double temperature, double beta, double alpha) = (loss.Temperature, loss.JensenShannonWeight, loss.CrossEntropyWeight);
        Tensor p = (t.detach() / temperature).softmax(1), q = (s / temperature).softmax(1), m = p * beta + q * (1 - beta);
        Tensor divergence = (p * (p / m).log()).sum(1) * beta + (q * (q / m).log()).sum(1) * (1 - beta);
        Tensor crossEntropy = -s.log_softmax(1).gather(1, targets.clamp(min: 0).unsqueeze(1)).squeeze(1);
        Tensor each = divergence * ((1 - alpha) * temperature * temperature) + crossEntropy * alpha;
        foreach (LayerPair pair in _map)
        {
            Tensor of = teacherStates[pair.Teacher].detach();
            Tensor distance = (studentStates[pair.Student] - of).square().mean([2]) / of.square().mean([2]);
            each = each + distance.flatten() * (hiddenStateWeight / _map.Length);
        }
        return (each * counted).sum();

        (Tensor Logits, List<Tensor> States) Run(LanguageNetwork model)
        {
            List<Tensor> states = [];
            Tensor output = model.Stack.Evaluate(
                model.Embed(ids), context: null, (_, s) => states.Add(s.alias().MoveToOtherDisposeScope(ids)));
            return (model.Head(model.FinalNorm(output)).flatten(0, 1), states);
        }
    }

    /// <summary>Windows of random ids, of which some end in padding.</summary>
    private static TokenBatch Batch(LanguageModelConfiguration shape)
    {
        using Tensor inputs = TestModels.Ids(shape, Rows, Context), targets = TestModels.Ids(shape, Rows, Context, seed: 6);
        long[] ids = inputs.data<long>().ToArray(), following = targets.data<long>().ToArray();
        Array.Fill(following, TokenBatch.Ignored, Context - 5, 5);
        Array.Fill(following, TokenBatch.Ignored, 2 * Context - 3, 3);
        return new TokenBatch(ids, following, Rows);
    }

    private static LanguageModelConfiguration Deep(LanguageModelConfiguration shape) =>
        shape with { LayerCount = Math.Max(4, shape.LayerCount) };

    /// <summary>A residual network of at least four layers.</summary>
    private static LanguageNetwork Teacher(LanguageModelConfiguration shape) =>
        TestModels.Make(Deep(shape), Scheme.Residual, BackwardMode.Stored);

    private static Dictionary<string, Tensor> Gradients(LanguageNetwork model) =>
        model.named_parameters().ToDictionary(p => p.name, p => p.parameter.grad!.clone());
}
