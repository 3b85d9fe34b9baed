using Microsoft.ML.Reversible.FineTuning;
using Microsoft.ML.Reversible.Tokenizers;

namespace Microsoft.ML.Reversible;

public sealed partial class ChatFormat
{
    /// <summary>Finds the format of a folder's tokenizer.</summary>
    /// <remarks>
    /// A chat template, in chat_template.jinja or tokenizer_config.json, decides. It is recognized by the marks that it writes, without
    /// rendering it; the default system text of a ChatML template, as Qwen's and SmolLM's have, becomes <see cref="DefaultSystem"/>.
    /// Without a template the special tokens decide.
    /// </remarks>
    /// <param name="folder">A folder with tokenizer files.</param>
    /// <exception cref="FileNotFoundException">There is no tokenizer.</exception>
    /// <exception cref="InvalidDataException">A file is malformed; the message names it.</exception>
    /// <exception cref="NotSupportedException">
    /// The template is none of the known ones or has more than 1,048,576 characters, the tokenizer lacks a token of it, or the tokens do
    /// not tell the format. The message says what to do.
    /// </exception>
    public static ChatFormat Detect(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        return Detect(LanguageModelTokenizer.Load(folder));
    }

    /// <summary>Finds the format of a model's tokenizer.</summary>
    /// <inheritdoc cref="Detect(string)" path="/remarks"/>
    /// <param name="model">The model.</param>
    /// <exception cref="InvalidOperationException">The model has no tokenizer.</exception>
    /// <exception cref="NotSupportedException">
    /// The template is none of the known ones or has more than 1,048,576 characters, the tokenizer lacks a token of it, or the tokens do
    /// not tell the format. The message says what to do.
    /// </exception>
    public static ChatFormat Detect(ReversibleLmTransformer model)
    {
        ArgumentNullException.ThrowIfNull(model);
        return Detect(model.Model.Tokenizer);
    }

    /// <summary>Finds the format of a tokenizer.</summary>
    /// <exception cref="NotSupportedException">The format is not found, or the tokenizer lacks a token of it.</exception>
    internal static ChatFormat Detect(LanguageModelTokenizer tokenizer)
    {
        if (tokenizer.ChatTemplate is not { } template) return OfTokens(tokenizer);
        ChatFormat format = ChatTemplateMarks.FormatOf(template);
        foreach (string token in format.Tokens)
            if (!ChatEncoder.Has(tokenizer, token))
                throw new NotSupportedException(
                    $"The chat template is that of {format.Name}, but the tokenizer does not have its token '{token}'. Take template and " +
                    "tokenizer from one model, or give a ChatFormat.");
        return format;
    }

    private static ChatFormat OfTokens(LanguageModelTokenizer tokenizer)
    {
        bool Has(string token) => ChatEncoder.Has(tokenizer, token);
        List<ChatFormat> found =
            [.. ((ChatFormat[])[ChatMl, Llama3, Gemma, Mistral, Phi3]).Where(format => format.Tokens.All(Has))];
        if (found.Count == 0 && Has("<|assistant|>") && tokenizer.EndOfText == "</s>") found.Add(Zephyr);
        return found switch
        {
            [{ } one] => one,
            [] => throw new NotSupportedException(
                "The tokenizer has no chat template and no tokens of a known chat format. " + ChatTemplateMarks.WhatToDo),
            _ => throw new NotSupportedException(
                $"The tokenizer has no chat template, and its tokens are those of {string.Join(" and ", found)}. " +
                ChatTemplateMarks.WhatToDo),
        };
    }
}
