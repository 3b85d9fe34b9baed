using System.Globalization;
using Microsoft.ML.Reversible.Models;
using Microsoft.ML.Reversible.Schemes;
using Microsoft.ML.Reversible.Tests.Stack;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Repository;

/// <summary>Compares the tables of docs/schemes.md with the code.</summary>
[TestClass]
public sealed class DocumentSchemeTests
{
    private const string Page = "docs/schemes.md";

    [TestMethod]
    public void TheTableOfSchemesIsWhatTheyCanDo()
    {
        string[][] rows = Document.Open(Page).Rows("scheme", "as text");
        CollectionAssert.AreEquivalent(Scheme.All.Select(s => s.GetType().Name).ToArray(), rows.Select(row => row[0]).ToArray());
        foreach (string[] row in rows)
        {
            Scheme scheme = Scheme.Parse(row[1]);
            Assert.AreEqual(row[0], scheme.GetType().Name);
            Assert.AreEqual(row[3] != "no", scheme.IsReversible, row[0]);
            Assert.AreEqual(row[3] == "yes", scheme.WhyNotReversible(Arithmetic.Float) is null, row[0]);
            Assert.AreEqual(row[4] != "no", scheme.CanBeExact, row[0]);
            if (!scheme.IsReversible || !scheme.CanBeExact) continue;
            Assert.AreEqual(row[4].Contains("nothing stored"), RemaindersOf(scheme) == 0, row[0]);
        }
    }

    [TestMethod]
    public void TheTableOfWhatConvertedNetworksCostIsTheCodes()
    {
        string[][] rows = Document.Open(Page).Rows("scheme", "forward evaluations of f per layer");
        Assert.HasCount(4, rows);
        foreach (string[] row in rows)
        {
            Scheme scheme = Scheme.Parse(row[0]);
            Assert.AreEqual(Number(row[1]), Evaluations(scheme), row[0]);
            using LanguageNetwork network = TestModels.Make(TestModels.Small, scheme, BackwardMode.Stored);
            Assert.AreEqual(Number(row[2]), Caches(network.Stack.Blocks[1]), row[0]);
            Assert.AreEqual(Number(row[3]), RemaindersOf(scheme), row[0]);
        }

        static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
    }

    [TestMethod]
    public void TheShortFormOfABlendIsTheOneThatIsWritten()
    {
        const string @long = "bdia:k=16,signs=positive,bits=24,inference=recurrence";
        StringAssert.Contains(File.ReadAllText(Document.PathOf(Page)), $"`{Scheme.Parse(@long)}` is short for `{@long}`");
    }

    /// <summary>Bits an activation, in a layer in the middle.</summary>
    private static double RemaindersOf(Scheme scheme)
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(1);
        TanhBlock[] blocks = [.. Enumerable.Range(0, 3).Select(_ => new TanhBlock(8, 0.3, random, ScalarType.Float32))];
        var stack = new LayerStack(scheme, blocks, BackwardMode.Reversible, Arithmetic.Exact);
        using StackPass pass = stack.Forward(randn([1, 4, 8], generator: random));
        return pass.RemainderByteCount * 8 / 32.0;
    }

    /// <summary>How many attentions a function evaluates, each of which has keys and values of its own.</summary>
    private static int Caches(nn.Module<Tensor, Tensor> function)
    {
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        using var pass = new CountingPass();
        function.At(zeros(1, 2, TestModels.Small.Width), pass);
        return pass.Count;
    }

    private static int Evaluations(Scheme scheme)
    {
        using var scope = NewDisposeScope();
        Counted[] blocks = [new(), new(), new()];
        var stack = new LayerStack(scheme, blocks, BackwardMode.Stored);
        stack.Blocks[1].call(zeros(1, 2, 3));
        return blocks.Sum(block => block.Calls);
    }

    private sealed class CountingPass : CachePass
    {
        public int Count { get; private set; }

        private protected override Tensor? Attend(
            int attention, Tensor query, Tensor key, Tensor value, AttentionLimits limits)
        {
            Count = attention + 1;
            return null;
        }
    }

    private sealed class Counted() : nn.Module<Tensor, Tensor>(nameof(Counted))
    {
        public int Calls { get; private set; }

        public override Tensor forward(Tensor input)
        {
            Calls++;
            return input * 1;
        }
    }
}
