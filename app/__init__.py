"""nascope's window: reads run folders, launches engines, draws. Never imports torch."""
