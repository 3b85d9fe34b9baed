using Microsoft.ML.Reversible.Data;
using Microsoft.ML.Reversible.FineTuning;
using Microsoft.ML.Reversible.Language;
using Microsoft.ML.Reversible.Training;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.FineTuning;

/// <summary>Tests the loss of a fine-tuning: what is learned, and what packed conversations see.</summary>
[TestClass]
public sealed class FineTuneLossTests
{
    [TestMethod]
    public void TheUsersTokensAreNoTargets()
    {
        using ReversibleLmTransformer model = Chats.Fit(o => o.MaxSteps = 1);
        var encoder = new ChatEncoder(model.Model.Tokenizer, ChatFormat.Llama2);
        ChatTokens encoded = encoder.Encode([new("user", "who 1?"), new("assistant", "the fox"), new("user", "a"), new("assistant", "b")]);
        using var tokens = new ConversationTokens(100);
        tokens.Add(encoded.Ids, encoded.IsLearned);
        TokenBatch batch = new ConversationWindows(tokens, 1, 64, "", packing: true, crosses: false, seed: 1).Training(0, 1);
        // The assistant's texts, each after a space, and the tokens that end its turns.
        Assert.AreEqual(" the fox  b ", model.Model.Tokenizer.Decode([.. Learned(batch)], continuation: true));
        Assert.AreEqual(2, Learned(batch).Count(id => id == model.Model.Tokenizer.EndOfTextId));

        using var scope = NewDisposeScope();
        Tensor logits = model.Network.forward(tensor(batch.Inputs, [1, batch.Inputs.Length])).detach().requires_grad_();
        nn.functional.cross_entropy(logits.flatten(0, 1), tensor(batch.Targets), ignore_index: TokenBatch.Ignored).backward();
        for (int i = 0; i < batch.Targets.Length; i++)
            Assert.AreEqual(batch.Targets[i] == TokenBatch.Ignored, logits.grad![0, i].abs().max().item<float>() == 0, $"place {i}");
        Gradients(model, batch, out double loss);
        Assert.AreEqual(
            nn.functional.cross_entropy(logits.flatten(0, 1), tensor(batch.Targets), ignore_index: TokenBatch.Ignored).item<float>(),
            loss / batch.TargetCount, 1e-5);
    }

    [TestMethod]
    public void ChangingWhatTheUserWouldBeTrainedToSayChangesNoGradientBit()
    {
        using ReversibleLmTransformer model = Chats.Fit(o => o.MaxSteps = 1);
        int[] ids = [.. Enumerable.Range(40, 12)];
        bool[] learned = [.. Enumerable.Range(0, 12).Select(i => i is 4 or 5 or 10 or 11)];
        TokenBatch batch = Batch(ids, learned);
        byte[][] plain = Gradients(model, batch, out _);
        for (int i = 0; i < batch.Targets.Length; i++) Assert.AreEqual(!learned[i + 1], batch.Targets[i] == TokenBatch.Ignored);
        byte[][] whole = Gradients(model, Batch(ids, [.. learned.Select((_, i) => i > 0)]), out _);
        Assert.IsFalse(plain.Zip(whole, (a, b) => a.AsSpan().SequenceEqual(b)).All(same => same), "learning all tokens changes nothing");

        // The user's last token has no place after it in the inputs, so that only a target could have it.
        learned[^1] = false;
        byte[][] one = Gradients(model, Batch(ids, learned), out _), two = Gradients(model, Batch([.. ids[..^1], 99], learned), out _);
        foreach (var (a, b) in one.Zip(two)) Assert.IsTrue(a.AsSpan().SequenceEqual(b));
        learned[^1] = true;
        byte[][] three = Gradients(model, Batch([.. ids[..^1], 99], learned), out _);
        Assert.IsFalse(plain.Zip(three, (a, b) => a.AsSpan().SequenceEqual(b)).All(same => same), "a learned target changes nothing");
    }

    [TestMethod]
    [DataRow(BackwardMode.Stored)]
    [DataRow(BackwardMode.Reversible)]
    public void PackedConversationsGiveTheGradientsOfSeparateOnes(BackwardMode mode)
    {
        using ReversibleLmTransformer model = Chats.Fit(o =>
        {
            o.MaxSteps = 1;
            if (mode == BackwardMode.Reversible) o.Scheme = Scheme.Midpoint;
        });
        model.Network.Stack.KeptLayerCount = 0;
        var random = new Random(3);
        using var tokens = new ConversationTokens(64);
        for (int i = 0; i < 5; i++)
        {
            int length = random.Next(3, 20);
            bool[] learned = [.. Enumerable.Range(0, length).Select(_ => random.Next(2) == 1)];
            learned[^1] = true;
            tokens.Add([.. Enumerable.Range(0, length).Select(_ => random.Next(256))], learned);
        }
        TokenBatch packed = Only(new ConversationWindows(tokens, 5, 100, "", packing: true, crosses: false, seed: 1));
        TokenBatch separate = Only(new ConversationWindows(tokens, 5, 100, "", packing: false, crosses: false, seed: 1));
        TokenBatch crossing = Only(new ConversationWindows(tokens, 5, 100, "", packing: true, crosses: true, seed: 1));
        Assert.AreEqual(1, packed.Rows);
        Assert.AreEqual(5, separate.Rows);

        float[] expected = Values(Gradients(model, separate, out double loss)), actual = Values(Gradients(model, packed, out double same));
        Assert.AreEqual(loss, same, 1e-4 * loss);
        Assert.IsLessThan(1e-4, Distance(expected, actual));
        Assert.IsGreaterThan(1e-2, Distance(expected, Values(Gradients(model, crossing, out _))));

        static TokenBatch Only(ConversationWindows windows) => windows.Training(0, (int)windows.WindowsPerEpoch);
    }

    private static TokenBatch Batch(int[] ids, bool[] learned)
    {
        using var tokens = new ConversationTokens(100);
        tokens.Add(ids, learned);
        return new ConversationWindows(tokens, 1, 64, "", packing: true, crosses: false, seed: 1).Training(0, 1);
    }

    private static IEnumerable<int> Learned(TokenBatch batch) => batch.Targets.Where(id => id != TokenBatch.Ignored).Select(id => (int)id);

    private static byte[][] Gradients(ReversibleLmTransformer model, TokenBatch batch, out double loss)
    {
        using var task = new LanguageModelingTask(model.Model, new OneBatch(batch), Chats.Quick);
        foreach (var weight in model.Network.parameters()) weight.grad?.zero_();
        using Tensor sum = task.Differentiate(batch, new StepContext(1.0 / batch.TargetCount));
        loss = sum.item<double>();
        return [.. model.Network.parameters().Select(weight => weight.grad!.bytes.ToArray())];
    }

    private static float[] Values(byte[][] gradients) =>
        [.. gradients.SelectMany(bytes => System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(bytes).ToArray())];

    private static double Distance(float[] expected, float[] actual) =>
        Math.Sqrt(expected.Zip(actual, (a, b) => (a - b) * (double)(a - b)).Sum()) / Math.Sqrt(expected.Sum(a => a * (double)a));

    private sealed class OneBatch(TokenBatch batch) : ITokenSource
    {
        public string SourceHash => "";

        public string TokenizerHash => "";

        public string Description => "one batch";

        public long WindowsPerEpoch => 1;

        public TokenBatch Training(long firstWindow, int rows) => batch;

        public IEnumerable<TokenBatch> HeldOut(int rows, long most) => [];
    }
}
