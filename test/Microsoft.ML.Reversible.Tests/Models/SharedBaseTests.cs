using Microsoft.ML.Reversible.Language;
using Microsoft.ML.Reversible.Models;
using Microsoft.ML.Reversible.Tests.Language;
using TorchSharp;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace Microsoft.ML.Reversible.Tests.Models;

/// <summary>Tests the memory that a base and networks with adapters share, and the copies of embedding and head that are trained.</summary>
[TestClass]
[DoNotParallelize]
public sealed class SharedBaseTests
{
    [TestMethod]
    public void AnAdapterHasTheBasesMemory()
    {
        using var scope = NewDisposeScope();
        using LanguageNetwork network = TestModels.Make(TestModels.SmallLlama, Scheme.Residual, BackwardMode.Stored);
        using LanguageNetwork adapted = network.WithAdapter(Adapters.Settings("q_proj"), seed: 1);
        Parameter[] own = [.. adapted.parameters()], shared = [.. network.parameters()];
        Assert.HasCount(shared.Length, own.Where(p => !p.requires_grad));
        foreach (var (of, from) in network.Weights().Zip(adapted.Weights()))
        {
            Assert.AreNotSame(of.Parameter, from.Parameter);
            using (no_grad()) of.View().add_(1);
            Assert.IsTrue(TestModels.SameBits(of.View(), from.View()), of.Name);
        }
    }

    [TestMethod]
    [DataRow(true)]
    [DataRow(false)]
    public void EitherMayBeDisposedOfFirstAndNothingStays(bool baseFirst)
    {
        long before = TestModels.LiveTensors();
        for (int i = 0; i < 3; i++)
        {
            using var scope = NewDisposeScope();
            LanguageNetwork network = TestModels.Make(TestModels.SmallLlama, Scheme.Residual, BackwardMode.Stored);
            LanguageNetwork one = network.WithAdapter(Adapters.Settings(), seed: 1);
            LanguageNetwork two = network.WithAdapter(Adapters.Settings("v_proj") with { TrainHead = true }, seed: 2, Scheme.Midpoint);
            double[] expected = Adapters.Train(one, 2);
            LanguageNetwork again = network.WithAdapter(Adapters.Settings(), seed: 1);
            if (baseFirst)
            {
                network.Dispose();
                one.Dispose();
                CollectionAssert.AreEqual(expected, Adapters.Train(again, 2));
                Adapters.Train(two, 2);
                two.Dispose();
                again.Dispose();
            }
            else
            {
                two.Dispose();
                one.Dispose();
                CollectionAssert.AreEqual(expected, Adapters.Train(again, 2));
                again.Dispose();
                Assert.HasCount(16 * 50, TestFolders.Logits(network, [.. Enumerable.Range(0, 16).Select(id => (long)id)]));
                network.Dispose();
            }
        }
        Assert.AreEqual(before, TestModels.LiveTensors());
    }

    [TestMethod]
    public void ARefusedAdapterLeavesNothing()
    {
        using LanguageNetwork network = TestModels.Make(TestModels.SmallLlama, Scheme.Residual, BackwardMode.Stored);
        long before = TestModels.LiveTensors();
        Assert.ThrowsExactly<ArgumentException>(() => network.WithAdapter(Adapters.Settings("q"), seed: 1));
        Assert.ThrowsExactly<InvalidDataException>(
            () => network.WithAdapter(Adapters.Settings(), seed: 1, check: _ => throw new InvalidDataException()));
        Assert.AreEqual(before, TestModels.LiveTensors());
    }

    [TestMethod]
    public void SeveralThreadsUseSeveralAdaptersAtOnce()
    {
        using LanguageNetwork network = TestModels.Make(TestModels.SmallLlama, Scheme.Residual, BackwardMode.Stored);
        LanguageNetwork[] adapted =
            [.. Enumerable.Range(0, 4).Select(i => Adapters.Randomize(network.WithAdapter(Adapters.Settings(), seed: i), 0.1 * i))];
        long[] ids = [.. Enumerable.Range(0, 16).Select(id => (long)id * 3)];
        float[][] expected = [.. adapted.Select(one => TestFolders.Logits(one, ids))];
        float[] plain = TestFolders.Logits(network, ids);
        Parallel.For(0, 40, i =>
        {
            if (i % 5 == 4) CollectionAssert.AreEqual(plain, TestFolders.Logits(network, ids));
            else CollectionAssert.AreEqual(expected[i % 5], TestFolders.Logits(adapted[i % 5], ids));
        });
        foreach (LanguageNetwork one in adapted) one.Dispose();
    }

    /// <summary>In a tied model both options train the one matrix; otherwise each trains its own.</summary>
    [TestMethod]
    [DataRow(true, true, false)]
    [DataRow(true, false, true)]
    [DataRow(true, true, true)]
    [DataRow(false, true, false)]
    [DataRow(false, false, true)]
    [DataRow(false, true, true)]
    public void EmbeddingAndHeadAreTrainedAsFloat32Copies(bool tied, bool embedding, bool head)
    {
        using var scope = NewDisposeScope();
        LanguageModelConfiguration shape = TestModels.SmallLlama with { TiedHead = tied };
        using LanguageNetwork network = shape.Build(
            Scheme.Residual, BackwardMode.Stored, Arithmetic.Float, Precision.Float32, CPU, seed: 1, frozen: Precision.BFloat16);
        Tensor[] before = Adapters.Frozen(network);
        LoraSettings settings = Adapters.Settings("v_proj") with { TrainEmbedding = embedding, TrainHead = head };
        using LanguageNetwork adapted = network.WithAdapter(settings, seed: 1);
        string[] copies = [.. adapted.TrainedCopies().Select(weight => weight.Name)];
        string[] expected =
        [
            .. tied || embedding ? (string[])["base_model.model.model.embed_tokens.weight"] : [],
            .. tied || head ? (string[])["base_model.model.lm_head.weight"] : [],
        ];
        CollectionAssert.AreEqual(expected, copies);
        Assert.AreEqual(tied, adapted.Configuration.TiedHead);
        Assert.IsTrue(adapted.TrainedCopies().All(weight => weight.Parameter.dtype == ScalarType.Float32));
        Tensor[] start = [.. adapted.TrainedCopies().Select(weight => weight.View().clone())];
        double[] losses = Adapters.Train(adapted, 8);
        Assert.IsLessThan(losses[0], losses[^1]);
        foreach (var (was, now) in start.Zip(adapted.TrainedCopies())) Assert.IsFalse(TestModels.SameBits(was, now.View()), now.Name);
        Assert.IsTrue(before.Zip(network.parameters(), TestModels.SameBits).All(same => same));
    }

    /// <summary>PEFT trains a copy of a tied embedding by itself unless ensure_weight_tying is set; the head then stays as it was.</summary>
    [TestMethod]
    public void AnEmbeddingMayBeUntiedFromItsHead()
    {
        using var scope = NewDisposeScope();
        using LanguageNetwork network = TestModels.Make(TestModels.SmallLlama, Scheme.Residual, BackwardMode.Stored);
        LoraSettings settings = Adapters.Settings("v_proj") with { TrainEmbedding = true, UntiesHead = true };
        using LanguageNetwork adapted = Adapters.Randomize(network.WithAdapter(settings, seed: 1));
        Assert.IsFalse(adapted.Configuration.TiedHead);
        Assert.HasCount(1, adapted.TrainedCopies());
        Assert.IsTrue(TestModels.SameBits(network.HeadWeight, adapted.HeadWeight));
        using LanguageNetwork merged = adapted.Merge();
        Assert.IsFalse(merged.Configuration.TiedHead);
        using (no_grad())
            Assert.IsLessThan(1e-6, TestModels.RelativeError(
                adapted.call(TestModels.Ids(TestModels.SmallLlama, 2, 16)), merged.call(TestModels.Ids(TestModels.SmallLlama, 2, 16))));
    }
}
