using Microsoft.ML.Reversible.FineTuning;

namespace Microsoft.ML.Reversible;

public sealed partial class ChatFormat
{
    /// <summary>ChatML, for example of Qwen and SmolLM: <c>&lt;|im_start|&gt;role, text&lt;|im_end|&gt;</c>.</summary>
    public static ChatFormat ChatMl { get; } = new("chatml", new ChatLayout
    {
        System = ("<|im_start|>system\n", "<|im_end|>\n"),
        User = ("<|im_start|>user\n", "<|im_end|>\n"),
        AssistantStart = "<|im_start|>assistant\n",
        EndOfTurn = "<|im_end|>",
        AssistantAfter = "\n",
        Tokens = ["<|im_start|>", "<|im_end|>"],
    });

    /// <summary>
    /// Llama 2: <c>[INST] text [/INST]</c> as ordinary text, the system text between <c>&lt;&lt;SYS&gt;&gt;</c> marks in the first user
    /// turn. User and assistant must alternate; white space around their texts is removed.
    /// </summary>
    public static ChatFormat Llama2 { get; } = new("llama2", new ChatLayout
    {
        System = ("<<SYS>>\n", "\n<</SYS>>\n\n"),
        SystemPlace = SystemPlace.FirstUser,
        User = ("{bos}[INST] ", " [/INST]"),
        AssistantStart = "",
        Lead = " ",
        EndOfTurn = " {eos}",
        Trimmed = [ChatTurn.UserRole, ChatTurn.AssistantRole],
        Alternates = true,
    });

    /// <summary>
    /// Llama 3: <c>&lt;|start_header_id|&gt;role&lt;|end_header_id|&gt;</c> before each turn, <c>&lt;|eot_id|&gt;</c> after it. White space
    /// around texts is removed.
    /// </summary>
    public static ChatFormat Llama3 { get; } = new("llama3", new ChatLayout
    {
        Start = "{bos}",
        System = ("<|start_header_id|>system<|end_header_id|>\n\n", "<|eot_id|>"),
        User = ("<|start_header_id|>user<|end_header_id|>\n\n", "<|eot_id|>"),
        AssistantStart = "<|start_header_id|>assistant<|end_header_id|>\n\n",
        EndOfTurn = "<|eot_id|>",
        Trimmed = [ChatTurn.SystemRole, ChatTurn.UserRole, ChatTurn.AssistantRole],
        Tokens = ["<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"],
    });

    /// <summary>
    /// Mistral, as of the third version of its tokenizer, in which <c>[INST]</c> and <c>[/INST]</c> are tokens. The system text comes
    /// before that of the last user turn. User and assistant must alternate; white space around the assistant's text is removed.
    /// </summary>
    public static ChatFormat Mistral { get; } = new("mistral", new ChatLayout
    {
        Start = "{bos}",
        System = ("", "\n\n"),
        SystemPlace = SystemPlace.LastUser,
        User = ("[INST] ", "[/INST]"),
        AssistantStart = "",
        Lead = " ",
        EndOfTurn = "{eos}",
        Trimmed = [ChatTurn.AssistantRole],
        Alternates = true,
        Tokens = ["[INST]", "[/INST]"],
    });

    /// <summary>
    /// Gemma: <c>&lt;start_of_turn&gt;role, text&lt;end_of_turn&gt;</c>. There is no system turn; user and assistant must alternate; white
    /// space around texts is removed.
    /// </summary>
    public static ChatFormat Gemma { get; } = new("gemma", new ChatLayout
    {
        Start = "{bos}",
        System = ("", ""),
        SystemPlace = SystemPlace.Refused,
        User = ("<start_of_turn>user\n", "<end_of_turn>\n"),
        AssistantStart = "<start_of_turn>model\n",
        EndOfTurn = "<end_of_turn>",
        AssistantAfter = "\n",
        Trimmed = [ChatTurn.UserRole, ChatTurn.AssistantRole],
        Alternates = true,
        Tokens = ["<start_of_turn>", "<end_of_turn>"],
    });

    /// <summary>
    /// Phi-3: <c>&lt;|user|&gt;</c> or another role before each turn, <c>&lt;|end|&gt;</c> after it, and end-of-text after the
    /// conversation.
    /// </summary>
    public static ChatFormat Phi3 { get; } = new("phi3", new ChatLayout
    {
        System = ("<|system|>\n", "<|end|>\n"),
        User = ("<|user|>\n", "<|end|>\n"),
        AssistantStart = "<|assistant|>\n",
        EndOfTurn = "<|end|>",
        AssistantAfter = "\n",
        Finish = "{eos}",
        Tokens = ["<|system|>", "<|user|>", "<|assistant|>", "<|end|>"],
    });

    /// <summary>
    /// Zephyr, also of TinyLlama: <c>&lt;|user|&gt;</c> or another role before each turn, which may be ordinary text, and end-of-text after
    /// it.
    /// </summary>
    public static ChatFormat Zephyr { get; } = new("zephyr", new ChatLayout
    {
        System = ("<|system|>\n", "{eos}\n"),
        User = ("<|user|>\n", "{eos}\n"),
        AssistantStart = "<|assistant|>\n",
        EndOfTurn = "{eos}",
        AssistantAfter = "\n",
    });

    /// <summary>The formats above, in the order of their names.</summary>
    public static IReadOnlyList<ChatFormat> All { get; } = [ChatMl, Gemma, Llama2, Llama3, Mistral, Phi3, Zephyr];
}
