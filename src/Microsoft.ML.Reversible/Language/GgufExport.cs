using Microsoft.ML.Reversible.Models;
using Microsoft.ML.Reversible.Storage;
using Microsoft.ML.Reversible.Tokenizers;
using Microsoft.ML.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Language;

/// <summary>Writes a model with its tokenizer as a GGUF file, which llama.cpp and programs on top of it run.</summary>
internal static class GgufExport
{
    /// <summary>Writes the file completely or not at all.</summary>
    /// <exception cref="NotSupportedException">llama.cpp would compute something else; the message says why.</exception>
    public static void Save(LanguageModel model, string path, WeightPrecision precision, IChannel channel)
    {
        LanguageNetwork network = model.Network;
        if (!network.Stack.Scheme.IsResidualAtInference)
            throw GgufForm.Refusal(
                $"llama.cpp adds each layer's output to its input, and the scheme {network.Stack.Scheme} does not. " +
                "Train or fine-tune with the scheme residual or bdia, whose inference is that of a standard network");
        GgufForm form = network.Configuration.ToGguf();
        GgufTokens tokens = model.Tokenizer.ToGguf();
        if (tokens.RemovesExtraSpaces)
            channel.Warning(
                MessageSensitivity.None,
                "The model's tokenizer removes spaces at both ends of a text and repeated spaces, and llama.cpp does not. Texts with " +
                "such spaces have other tokens there.");
        List<(string Key, object Value)> metadata =
        [
            ("general.architecture", form.Architecture),
            ("general.name", Path.GetFileNameWithoutExtension(path)),
            ("general.file_type", FileType(precision)),
            .. form.Metadata.Select(entry => ($"{form.Architecture}.{entry.Key}", entry.Value)),
            .. Describe(tokens, model),
        ];
        GgufWriter.Write(path, metadata, [.. Tensors(network, form, precision)]);
    }

    private static IEnumerable<(string Key, object Value)> Describe(GgufTokens tokens, LanguageModel model)
    {
        int rows = model.Network.Configuration.VocabularySize, known = tokens.Tokens.Length;
        LanguageModelTokenizer tokenizer = model.Tokenizer;
        // The embedding may have more rows than there are tokens, and llama.cpp needs a token for each.
        IEnumerable<int> padding = Enumerable.Range(known, Math.Max(0, rows - known));
        yield return ("tokenizer.ggml.model", tokens.Model);
        if (tokens.PreTokenizer is not null) yield return ("tokenizer.ggml.pre", tokens.PreTokenizer);
        yield return ("tokenizer.ggml.tokens", (string[])[.. tokens.Tokens.Take(rows), .. padding.Select(id => GgufTokens.Name("", id))]);
        yield return ("tokenizer.ggml.token_type", (int[])
            [.. tokens.Kinds.Take(rows).Select(kind => (int)kind), .. padding.Select(_ => (int)PieceKind.Unused)]);
        if (tokens.Scores is not null)
            yield return ("tokenizer.ggml.scores", (float[])[.. tokens.Scores.Take(rows), .. padding.Select(_ => 0f)]);
        if (tokens.Merges is not null) yield return ("tokenizer.ggml.merges", tokens.Merges);
        if (tokens.UnknownId is { } unknown) yield return ("tokenizer.ggml.unknown_token_id", (uint)unknown);
        yield return ("tokenizer.ggml.bos_token_id", (uint)tokenizer.PrefixId);
        yield return ("tokenizer.ggml.eos_token_id", (uint)(model.SpecialTokens.EndOfText is [var end, ..] ? end : tokenizer.EndOfTextId));
        yield return ("tokenizer.ggml.add_bos_token", Prompt.BeginsTexts(model));
        yield return ("tokenizer.ggml.add_eos_token", false);
        if (tokenizer.ChatTemplate is { } template) yield return ("tokenizer.chat_template", template);
        if (tokens.Scores is null) yield break;
        yield return ("tokenizer.ggml.add_space_prefix", tokens.AddsSpacePrefix);
        yield return ("tokenizer.ggml.remove_extra_whitespaces", tokens.RemovesExtraSpaces);
    }

    private static IEnumerable<GgufTensor> Tensors(LanguageNetwork network, GgufForm form, WeightPrecision precision)
    {
        foreach (NamedWeight weight in network.Weights())
        {
            (string name, string own) = NameOf(weight.Name, network, form);
            // llama.cpp adds and multiplies vectors in float32.
            GgufType type = weight.Shape.Count == 1 || name.StartsWith("position_embd", StringComparison.Ordinal)
                ? GgufType.F32 : TypeOf(precision);
            int heads = form.Interleaved.GetValueOrDefault(own);
            yield return new(name, type, weight.Shape, stream => Write(weight, type, heads, stream));
        }
        if (form.FrequencyDivisors is { } divisors)
            yield return new("rope_freqs.weight", GgufType.F32, [divisors.Length], stream =>
            {
                using var writer = new BinaryWriter(stream, System.Text.Encoding.UTF8, leaveOpen: true);
                foreach (float divisor in divisors) writer.Write(divisor);
            });
    }

    /// <summary>Returns the name of a weight in the file, and its name in Hugging Face's files without the block and the suffix.</summary>
    private static (string Name, string Own) NameOf(string name, LanguageNetwork network, GgufForm form)
    {
        int dot = name.LastIndexOf('.');
        string own = name[..dot], block = "";
        if (own.StartsWith(network.LayerPrefix, StringComparison.Ordinal))
        {
            int end = own.IndexOf('.', network.LayerPrefix.Length);
            block = $"blk.{own[network.LayerPrefix.Length..end]}.";
            own = own[(end + 1)..];
        }
        return (block + form.Names[own] + name[dot..], own);
    }

    private static void Write(NamedWeight weight, GgufType type, int heads, Stream stream)
    {
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        // [outputs, inputs], whatever the layout of Hugging Face's files.
        Tensor rows = weight.MergedRows();
        if (heads > 0)
        {
            long half = weight.Shape[0] / heads / 2;
            rows = rows.reshape([heads, 2, half, .. weight.Shape.Skip(1)]).transpose(1, 2).reshape([.. weight.Shape]);
        }
        TensorStorage.Source(weight.Name, rows, ScalarTypeOf(type)).Write(stream);
    }

    private static GgufType TypeOf(WeightPrecision precision) => precision switch
    {
        WeightPrecision.Float16 => GgufType.F16,
        WeightPrecision.BFloat16 => GgufType.BF16,
        _ => GgufType.F32,
    };

    private static ScalarType ScalarTypeOf(GgufType type) => type switch
    {
        GgufType.F16 => ScalarType.Float16,
        GgufType.BF16 => ScalarType.BFloat16,
        _ => ScalarType.Float32,
    };

    /// <summary>Returns llama.cpp's number for files whose matrices have this type.</summary>
    private static uint FileType(WeightPrecision precision) => precision switch
    {
        WeightPrecision.Float16 => 1,
        WeightPrecision.BFloat16 => 32,
        _ => 0,
    };
}
