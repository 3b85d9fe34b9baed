using System.Text.Json;

namespace Microsoft.ML.Reversible.Tests.Language;

[TestClass]
public sealed class RetrofitReportTests
{
    private static readonly RetrofitAgreement Near = new(0.0047, 0.963, Math.Log(5), Math.Log(6), 2560);
    private static readonly RetrofitAgreement Lost = new(double.PositiveInfinity, 0, Math.Log(5), double.PositiveInfinity, 2560);

    private static RetrofitReport Report(Scheme scheme) => new()
    {
        Scheme = scheme,
        Before = Near,
        Memory = HiddenStateMemory.Of(scheme, layers: 5, width: 64, tokens: 1024),
    };

    [TestMethod]
    public void MemoryIsThatOfTheHiddenStatesAndTheRemainders()
    {
        const long elements = 1024 * 64;
        HiddenStateMemory blend = HiddenStateMemory.Of(Bdia.Blend(16), 5, 64, 1024);
        Assert.AreEqual(new HiddenStateMemory(1024, elements * 28 + elements * 3 / 2, elements * 3 / 2, elements * 4 * 6), blend);
        Assert.AreEqual(
            new HiddenStateMemory(1024, elements * 12, 0, elements * 4 * 6), HiddenStateMemory.Of(Scheme.Midpoint, 5, 64, 1024));
        Assert.AreEqual(0, HiddenStateMemory.Of(Bdia.Blend(16), 1, 64, 1024).Remainders);
        Assert.AreEqual(0, HiddenStateMemory.Of(Bdia.Blend(16), 5, 64, 1024, Arithmetic.Float).Remainders);
        Assert.AreEqual(elements * 28, HiddenStateMemory.Of(Scheme.Midpoint, 5, 64, 1024, Arithmetic.Exact).Reversible);
    }

    [TestMethod]
    [DataRow(2, 3, 3)]
    [DataRow(8, 5, 4)]
    [DataRow(64, 3, 7)]
    public void RemaindersAreWhatAPassKeeps(int k, int layers, int tokens)
    {
        using LanguageNetwork network = TestModels.Make(
            TestModels.SmallLlama with { LayerCount = layers }, Bdia.Blend(k), BackwardMode.Reversible, arithmetic: Arithmetic.Exact);
        using var scope = TorchSharp.torch.NewDisposeScope();
        using StackPass pass = network.Stack.Forward(network.Embed(TestModels.Ids(TestModels.SmallLlama, 1, tokens)));
        Assert.AreEqual(
            pass.RemainderByteCount, HiddenStateMemory.Of(Bdia.Blend(k), layers, network.Configuration.Width, tokens).Remainders);
    }

    [TestMethod]
    public void TheLineOfJsonHoldsWhatThereIs()
    {
        using JsonDocument shortest = JsonDocument.Parse(Report(Bdia.Blend(16)).ToJson());
        CollectionAssert.AreEqual(
            new[] { "scheme", "before", "bytes_per_activation", "hidden_state_memory" },
            shortest.RootElement.EnumerateObject().Select(p => p.Name).ToArray());
        Assert.AreEqual(0.5, shortest.RootElement.GetProperty("bytes_per_activation").GetDouble());
        Assert.AreEqual(0.0047, shortest.RootElement.GetProperty("before").GetProperty("kl_per_token").GetDouble());

        string line = Full.ToJson();
        Assert.IsFalse(line.Contains('\n'));
        using JsonDocument json = JsonDocument.Parse(line);
        JsonElement root = json.RootElement, candidate = root.GetProperty("candidates")[0], estimate = root.GetProperty("estimates")[0];
        Assert.AreEqual("midpoint:0.25", root.GetProperty("scheme").GetString());
        Assert.AreEqual(6, root.GetProperty("after").GetProperty("student_perplexity").GetDouble(), 1e-12);
        Assert.AreEqual(5, root.GetProperty("after").GetProperty("teacher_perplexity").GetDouble(), 1e-12);
        Assert.AreEqual(2560, root.GetProperty("after").GetProperty("tokens").GetInt64());
        Assert.AreEqual(4, root.GetProperty("step_sizes").GetArrayLength());
        JsonElement lost = root.GetProperty("step_sizes")[0].GetProperty("agreement");
        Assert.AreEqual(JsonValueKind.Null, lost.GetProperty("kl_per_token").ValueKind);
        Assert.AreEqual(1024, root.GetProperty("hidden_state_memory").GetProperty("tokens").GetInt64());
        Assert.AreEqual(1024 * 64 * 12, root.GetProperty("hidden_state_memory").GetProperty("reversible_bytes").GetInt64());
        Assert.AreEqual(4, candidate.GetProperty("bits_per_activation").GetInt32());
        Assert.AreEqual(1, candidate.GetProperty("evaluations_per_layer").GetInt32());
        Assert.IsTrue(candidate.GetProperty("fits").GetBoolean());
        Assert.AreEqual(1.5, estimate.GetProperty("lipschitz_factor").GetDouble());
        Assert.AreEqual(0.25, estimate.GetProperty("relative_errors")[1].GetDouble());
        Assert.AreEqual(0.5, estimate.GetProperty("local_factors")[0].GetDouble());
        StringAssert.Contains(root.GetProperty("estimate_verdict").GetString()!, "below 1 in none of");
        Assert.AreEqual("It is near.", root.GetProperty("reason").GetString());
    }

    [TestMethod]
    public void TheTextIsTables()
    {
        string[] lines = Full.ToString().Split('\n');
        CollectionAssert.AreEqual(
            new[]
            {
                "scheme midpoint:0.25",
                "",
                "        KL per token  top-1   loss  teacher's  perplexity  teacher's  tokens",
                "before        0.0047  0.963  1.792      1.609           6          5    2560",
                "after         0.0047  0.963  1.792      1.609           6          5    2560",
                "",
                "The backward pass needs 0 bytes of remainders per activation. For a batch of 1024 tokens the hidden states take 0.75 MiB, "
                    + "of which 0 MiB are remainders; with checkpoints 1.5 MiB.",
                "",
                "layer  error, m = 0  error, m = 1  error, m = 2  factor 1  factor 2  Lipschitz",
                "1               0.5          0.25           NaN       0.5       NaN        1.5",
            },
            lines[..10]);
        StringAssert.StartsWith(lines[10], "Fixed-point steps");
        CollectionAssert.AreEqual(
            new[]
            {
                "",
                "best step size             KL per token  top-1      loss  bits  evaluations  fits",
                "midpoint:0.25, of 3 tried        0.0047  0.963     1.792     0            1   yes",
                "leapfrog:2, of 1 tried         Infinity      0  Infinity     0            1    no",
                "",
                "candidates  KL per token  top-1   loss  bits  evaluations  fits",
                "blend:16          0.0047  0.963  1.792     4            1   yes",
                "It is near.",
                "",
            },
            lines[11..]);
    }

    [TestMethod]
    public void TheTextSaysWhyAShallowModelsHiddenStatesTakeMoreThanCheckpoints()
    {
        const string reason = "Three hidden states are kept at any depth, in exact arithmetic as float64";
        StringAssert.Contains(Report(Bdia.Blend(16)).ToString(), reason);
        HiddenStateMemory deep = HiddenStateMemory.Of(Bdia.Blend(16), layers: 32, width: 64, tokens: 1024);
        Assert.IsFalse((Report(Bdia.Blend(16)) with { Memory = deep }).ToString().Contains(reason, StringComparison.Ordinal));
    }

    private static RetrofitReport Full => Report(new Midpoint(0.25)) with
    {
        After = Near,
        Estimates = [new LayerEstimate { Layer = 1, RelativeErrors = [0.5, 0.25, double.NaN], LipschitzFactor = 1.5 }],
        StepSizes =
        [
            new(new Midpoint(2), Lost, 0, 1, Fits: false), new(new Midpoint(0.25), Near, 0, 1, Fits: true),
            new(new Midpoint(0.5), Near with { KlPerToken = 1 }, 0, 1, Fits: true), new(new Leapfrog(2), Lost, 0, 1, Fits: false),
        ],
        Candidates = [new(Bdia.Blend(16), Near, 4, 1, Fits: true)],
        Reason = "It is near.",
    };
}
