using System.Runtime.CompilerServices;
using Microsoft.ML.Reversible.Language;

namespace Microsoft.ML.Reversible;

public sealed partial class ReversibleLmTransformer
{
    /// <summary>Continues a text.</summary>
    /// <param name="prompt">The text to continue. An empty one starts at the beginning of a text.</param>
    /// <param name="maxTokens">
    /// The maximum number of tokens to generate, at least 0. Generation ends earlier at an end-of-text token.
    /// </param>
    /// <param name="temperature">The divisor of the logits, at least 0; 0 takes the most likely token.</param>
    /// <param name="topK">The number of most likely tokens to draw from; 0 keeps all.</param>
    /// <param name="topP">The total probability of the most likely tokens to draw from, within (0, 1]; 1 keeps all.</param>
    /// <param name="seed">The seed of the draws: the same seed gives the same text.</param>
    /// <param name="cancellationToken">Cancels the generation.</param>
    /// <returns>The prompt and its continuation.</returns>
    /// <exception cref="ArgumentOutOfRangeException">An argument is out of its range; the message names it and the range.</exception>
    /// <exception cref="ArgumentException">The prompt has a character that the model's character vocabulary lacks.</exception>
    /// <exception cref="InvalidOperationException">The model has no tokenizer, or gives logits that are not finite.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The model has been disposed.</exception>
    public string Generate(
        string prompt,
        int maxTokens = 100,
        double temperature = 1.0,
        int topK = 0,
        double topP = 1.0,
        int seed = 0,
        CancellationToken cancellationToken = default)
    {
        var options = new GenerationOptions { MaxTokens = maxTokens, Temperature = temperature, TopK = topK, TopP = topP, Seed = seed };
        return Generate(prompt, options, cancellationToken);
    }

    /// <summary>Continues a text.</summary>
    /// <param name="prompt">The text to continue. An empty one starts at the beginning of a text.</param>
    /// <param name="options">The options.</param>
    /// <param name="cancellationToken">Cancels the generation.</param>
    /// <returns>The prompt and its continuation.</returns>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range; the message names it and the range.</exception>
    /// <exception cref="ArgumentException">
    /// The prompt has a character that the model's character vocabulary lacks, or it could exceed the context and the options forbid it.
    /// </exception>
    /// <exception cref="InvalidOperationException">The model has no tokenizer, or gives logits that are not finite.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The model has been disposed.</exception>
    public string Generate(string prompt, GenerationOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        return Generate([prompt], options, cancellationToken)[0];
    }

    /// <summary>
    /// Continues several texts together, which is faster than one after another. Each gets the same continuation as alone, within rounding,
    /// and ends independently.
    /// </summary>
    /// <param name="prompts">The texts, of any lengths; may be empty.</param>
    /// <param name="options">The options.</param>
    /// <param name="cancellationToken">Cancels the generation.</param>
    /// <returns>Each prompt with its continuation, in the prompts' order.</returns>
    /// <inheritdoc cref="Generate(string, GenerationOptions, CancellationToken)" path="/exception"/>
    public IReadOnlyList<string> Generate(
        IReadOnlyList<string> prompts, GenerationOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prompts);
        ArgumentNullException.ThrowIfNull(options);
        foreach (string prompt in prompts) ArgumentNullException.ThrowIfNull(prompt, nameof(prompts));
        GenerationOptions settled = options.Checked();
        LanguageModel model = Live;
        using var run = new GenerationRun(model, [.. prompts.Select(prompt => Prompt.Of(model, prompt))], settled);
        run.Complete(cancellationToken);
        return [.. prompts.Zip(run.Rows, (prompt, row) => prompt + row.Text.Take(all: true))];
    }

    /// <summary>
    /// Continues a text and returns each piece of the continuation as soon as it is final, that is, whole characters that cannot be the
    /// beginning of a stop string.
    /// </summary>
    /// <remarks>
    /// Each token is computed on the thread pool when the next piece is requested. Leaving the enumeration early frees its memory.
    /// </remarks>
    /// <param name="prompt">The text to continue. An empty one starts at the beginning of a text.</param>
    /// <param name="options">The options.</param>
    /// <param name="cancellationToken">Cancels the generation between two tokens.</param>
    /// <returns>The pieces, none of them empty. Together they are the continuation without the prompt.</returns>
    /// <inheritdoc cref="Generate(string, GenerationOptions, CancellationToken)" path="/exception"/>
    public IAsyncEnumerable<string> GenerateAsync(string prompt, GenerationOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        ArgumentNullException.ThrowIfNull(options);
        GenerationOptions settled = options.Checked();
        LanguageModel model = Live;
        // Checks the prompt, so that this call throws and not the enumeration.
        Prompt start = Prompt.Of(model, prompt);
        new GenerationRun(model, [start], settled).Dispose();
        return Pieces(model, start, settled, cancellationToken);
    }

    /// <summary>Continues token ids, for programs with their own tokenizer. The model needs no tokenizer.</summary>
    /// <param name="prompt">The ids to continue, at least one, each within the model's vocabulary.</param>
    /// <param name="options">The options; stop strings are refused, since ids have no text.</param>
    /// <param name="cancellationToken">Cancels the generation.</param>
    /// <returns>The new ids, without the one that ends the text.</returns>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range, or an id outside the vocabulary.</exception>
    /// <exception cref="ArgumentException">
    /// There is no id, the options have stop strings, or the prompt could exceed the context and the options forbid it.
    /// </exception>
    /// <exception cref="InvalidOperationException">The model gives logits that are not finite.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The model has been disposed.</exception>
    public IReadOnlyList<int> GenerateIds(
        IReadOnlyList<int> prompt, GenerationOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        ArgumentNullException.ThrowIfNull(options);
        GenerationOptions settled = options.Checked();
        if (settled.StopStrings.Count > 0)
            throw new ArgumentException("StopStrings cannot be found in ids. Leave them out, or continue text.", nameof(options));
        if (prompt.Count == 0)
            throw new ArgumentException("There must be at least one id to continue, such as the one that begins a text.", nameof(prompt));
        int vocabulary = Configuration.VocabularySize;
        foreach (int id in prompt)
            if ((uint)id >= (uint)vocabulary)
                throw new ArgumentOutOfRangeException(
                    nameof(prompt), id, $"The id {id} is outside the model's vocabulary, whose ids are 0 to {vocabulary - 1}.");
        using var run = new GenerationRun(Live, [new Prompt([.. prompt], MakeDecoder: null)], settled);
        run.Complete(cancellationToken);
        return run.Rows[0].Ids;
    }

    private static async IAsyncEnumerable<string> Pieces(
        LanguageModel model, Prompt prompt, GenerationOptions options, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var run = new GenerationRun(model, [prompt], options);
        SequenceState row = run.Rows[0];
        while (!row.IsFinished)
        {
            run.ThrowIfCancelled(cancellationToken);
            await Task.Run(run.Advance, CancellationToken.None).ConfigureAwait(false);
            if (row.Text.Take(row.IsFinished) is { Length: > 0 } piece) yield return piece;
        }
    }
}
